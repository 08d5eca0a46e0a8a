use serde_json::{Value, json};
use shared::{
    application::ports::UserRepository as _,
    domain::{EventKind, Login, LoginKey, Origin, Role, Roles},
    lambda::http::{Access, Call, Reply},
};
use testing::{
    Fault, PASSWORD, Person, World,
    fixture::{Answer, Route, Stage, Who},
    sample::Sample,
};

use super::*;
use crate::handler;

const NEW: &str = "seven purple kites aloft";

fn service(world: &Arc<World>) -> ChangePassword {
    ChangePassword {
        passwords: PasswordPolicy::default(),
        changing: Changing {
            users: world.clone(),
            circumstances: world.circumstances(),
        },
        sessions: world.clone(),
        hasher: world.clone(),
        reauthentication: Reauthentication {
            users: world.clone(),
            hasher: world.clone(),
            throttle: world.sign_in_throttle(10),
        },
    }
}

fn route() -> Route<ChangePassword, impl AsyncFn(Arc<ChangePassword>, Call) -> Reply> {
    Route {
        access: handler::ACCESS,
        service,
        handle: handler::handle,
    }
}

async fn put(stage: &Stage, by: &Person, whom: &Person, body: &Value) -> Answer {
    let request = Sample::of_user("PUT", &whom.id.to_string(), "/password")
        .json(body)
        .bearer(&by.token);
    route().answer(&stage.world, request).await.unwrap()
}

fn own(current: &str, new: &str) -> Value {
    json!({"currentPassword": current, "newPassword": new})
}

/// Whether this is the user's password now.
async fn is_password(world: &Arc<World>, person: &Person, password: &str) -> bool {
    let user = world.user(person.id).unwrap();
    let login: Login = world
        .find_login(&LoginKey::Email(user.email))
        .await
        .unwrap()
        .unwrap();
    let hasher: &dyn PasswordHasher = world.as_ref();
    let presented = Password::presented(password);
    hasher
        .verify(&presented, login.password.as_ref())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_user_and_administrators_may() {
    let request = |who, id: &str| {
        let body = match who {
            Who::Admin => json!({"newPassword": NEW}),
            _ => own(PASSWORD, NEW),
        };
        Sample::of_user("PUT", id, "/password").json(&body)
    };
    let admitted = route().admits(Access::OwnerOrAdmin, 204, request).await;
    admitted.unwrap();
}

#[tokio::test]
async fn every_session_ends_but_the_one_that_asks() {
    let stage = Stage::set().await.unwrap();
    let ann = stage.world.user(stage.ann.id).unwrap();
    let elsewhere = stage.world.enter(&ann).await.unwrap();
    stage.world.clear_trace();
    let answer = put(&stage, &stage.ann, &stage.ann, &own(PASSWORD, NEW)).await;
    assert_eq!(answer.status, 204);
    assert_eq!(
        stage.world.trace()[2..],
        [
            "users.find",
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "hasher.verify",
            "attempts.clear",
            "attempts.give_back",
            "hasher.hash",
            "users.commit",
            "sessions.confirm"
        ],
        "after the guard's two"
    );
    assert!(is_password(&stage.world, &stage.ann, NEW).await);
    let event = stage.world.outbox().pop().unwrap();
    assert_eq!(event.kind, EventKind::UserPasswordChanged);
    let epoch = stage.world.user(stage.ann.id).unwrap().auth_epoch;
    for session in stage.world.sessions_of(stage.ann.id) {
        let alive = session.auth_epoch >= epoch;
        assert_eq!(alive, session.id == stage.ann.session_id);
        assert_eq!(!alive, session.id == elsewhere.session_id);
    }
    // Access tokens carry the epoch, so that of the session that asked is dead as well.
    let again = put(&stage, &stage.ann, &stage.ann, &own(NEW, PASSWORD)).await;
    assert_eq!(again.problem(), (401, "unauthenticated"));
}

#[tokio::test]
async fn a_wrong_present_password_costs_one_verification() {
    let stage = Stage::set().await.unwrap();
    let answer = put(&stage, &stage.ann, &stage.ann, &own("wrong", NEW)).await;
    assert_eq!(answer.problem(), (401, "invalid-credentials"));
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Password realm=\"roster\"")
    );
    assert_eq!(
        stage.world.trace()[2..],
        [
            "users.find",
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "hasher.verify"
        ]
    );
    assert!(is_password(&stage.world, &stage.ann, PASSWORD).await);
}

#[tokio::test]
async fn an_administrator_needs_the_present_password_for_their_own_only() {
    let stage = Stage::set().await.unwrap();
    let bare = json!({"newPassword": NEW});
    let own_bare = put(&stage, &stage.admin, &stage.admin, &bare).await;
    assert_eq!(own_bare.wrong_fields(), [("/currentPassword", "required")]);
    let own_wrong = put(&stage, &stage.admin, &stage.admin, &own("wrong", NEW)).await;
    assert_eq!(own_wrong.problem(), (401, "invalid-credentials"));
    // What would not be looked at is not taken.
    let of_ann = put(&stage, &stage.admin, &stage.ann, &own("wrong", NEW)).await;
    assert_eq!(
        of_ann.wrong_fields(),
        [("/currentPassword", "unknown-field")]
    );

    stage.world.clear_trace();
    assert_eq!(
        put(&stage, &stage.admin, &stage.ann, &bare).await.status,
        204
    );
    assert_eq!(
        stage.world.trace()[2..],
        ["users.find", "hasher.hash", "users.commit"]
    );
    assert!(is_password(&stage.world, &stage.ann, NEW).await);
    let epoch = stage.world.user(stage.ann.id).unwrap().auth_epoch;
    let session = stage.world.sessions_of(stage.ann.id).remove(0);
    assert!(session.auth_epoch < epoch, "no session of hers outlives it");
}

#[tokio::test]
async fn the_policy_knows_the_user() {
    let stage = Stage::set().await.unwrap();
    let zoe = stage.world.join("Zoekestrel", Roles::new()).await.unwrap();
    stage.world.clear_trace();
    for (new, code) in [
        ("zoekestrel", "too-weak"),
        ("zoekestrel@example.com", "too-weak"),
        ("x7#kq!", "too-short"),
    ] {
        let answer = put(&stage, &zoe, &zoe, &own(PASSWORD, new)).await;
        assert_eq!(answer.problem(), (422, "invalid"));
        assert_eq!(answer.wrong_fields(), [("/newPassword", code)], "{new}");
    }
    assert!(!stage.world.trace().contains(&"hasher.verify"));
}

#[tokio::test]
async fn a_stale_version_changes_nothing() {
    let stage = Stage::set().await.unwrap();
    let request = Sample::of_user("PUT", "me", "/password")
        .json(&own(PASSWORD, NEW))
        .header("if-match", "\"2\"")
        .bearer(&stage.ann.token);
    let answer = route().answer(&stage.world, request).await.unwrap();
    assert_eq!(answer.problem(), (412, "precondition-failed"));
    assert!(is_password(&stage.world, &stage.ann, PASSWORD).await);
}

/// A hasher in whose time somebody else gives Ann another password or other roles.
struct Meanwhile(
    Arc<World>,
    Person,
    fn(&User, &shared::domain::change::Occasion) -> Option<shared::domain::Change>,
);

#[async_trait::async_trait]
impl PasswordHasher for Meanwhile {
    async fn hash(&self, password: &Password) -> Result<shared::domain::PasswordHash> {
        let occasion = self.0.circumstances().occasion(Origin::system("test"))?;
        let user = self.0.user(self.1.id).unwrap();
        if let Some(change) = (self.2)(&user, &occasion) {
            self.0.commit(&change).await?;
        }
        let hasher: &dyn PasswordHasher = self.0.as_ref();
        hasher.hash(password).await
    }

    async fn verify(
        &self,
        password: &Password,
        hash: Option<&shared::domain::PasswordHash>,
    ) -> Result<bool> {
        let hasher: &dyn PasswordHasher = self.0.as_ref();
        hasher.verify(password, hash).await
    }

    fn is_current(&self, hash: &shared::domain::PasswordHash) -> bool {
        self.0.is_current(hash)
    }
}

/// What was proven of the password before counts no more once the password is another.
#[tokio::test]
async fn whoever_knew_the_password_before_last_loses_the_race() {
    for (change, wins) in [
        (
            (|user: &User, occasion: &_| {
                let rescued = shared::domain::PasswordHash::from_phc("rescued");
                Some(user.reset_password(rescued, occasion))
            }) as fn(&User, &_) -> _,
            false,
        ),
        (
            |user, occasion| user.assign_roles(Roles::from([Role::admin()]), occasion),
            true,
        ),
    ] {
        let stage = Stage::set().await.unwrap();
        let service = ChangePassword {
            hasher: Arc::new(Meanwhile(stage.world.clone(), stage.ann.clone(), change)),
            ..service(&stage.world)
        };
        let outcome = service.execute(command(&stage)).await;
        assert_eq!(outcome.is_ok(), wins, "{outcome:?}");
        assert_eq!(is_password(&stage.world, &stage.ann, NEW).await, wins);
    }
}

fn command(stage: &Stage) -> Command {
    Command {
        target: Target {
            id: stage.ann.id,
            expected: None,
            origin: Origin::system("test"),
        },
        proof: Proof::Owner {
            current: Password::presented(PASSWORD),
            session_id: stage.ann.session_id,
        },
        new: Password::presented(NEW),
    }
}

/// Whatever fails wherever, one of the passwords is good; and once it is the new one, no session
/// lives but the one that asked.
#[tokio::test]
async fn a_new_password_survives_every_fault() {
    let tried = World::try_every_fault(async |fault: Fault| {
        let stage = Stage::set().await.unwrap();
        let ann = stage.world.user(stage.ann.id).unwrap();
        stage.world.enter(&ann).await.unwrap();
        let service = service(&stage.world);
        let work = service.execute(command(&stage));
        let (outcome, fired) = stage.world.with_fault(fault, work).await;
        let is_new = is_password(&stage.world, &stage.ann, NEW).await;
        assert_ne!(
            is_new,
            is_password(&stage.world, &stage.ann, PASSWORD).await
        );
        if matches!(outcome, Some(Ok(()))) {
            assert!(is_new, "{fault:?}: what was said to be changed is");
        }
        let epoch = stage.world.user(stage.ann.id).unwrap().auth_epoch;
        assert_eq!(epoch, u64::from(is_new), "{fault:?}");
        let sessions = stage.world.sessions_of(stage.ann.id);
        let alive = sessions
            .iter()
            .filter(|session| session.auth_epoch >= epoch);
        assert!(!is_new || alive.clone().count() <= 1, "{fault:?}");
        assert!(
            !is_new
                || alive
                    .clone()
                    .all(|session| session.id == stage.ann.session_id)
        );
        if !is_new {
            service.execute(command(&stage)).await.unwrap();
            assert!(
                is_password(&stage.world, &stage.ann, NEW).await,
                "{fault:?}"
            );
        }
        fired
    })
    .await;
    assert_eq!(tried, 4 * 10, "each of the ten calls was made to fail");
}
