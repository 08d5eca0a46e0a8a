use serde_json::{Value, json};
use shared::{
    application::ports::UserRepository as _,
    domain::{EventKind, Login, LoginKey, Origin, Role, Roles},
    lambda::http::{Access, Request, Response},
};
use testing::{
    FakeBackend, Fault, PASSWORD, Person,
    fixture::{Answer, Fixture, Principal, Route},
    sample::Sample,
};

use super::*;
use crate::handler;

const NEW: &str = "seven purple kites aloft";

fn service(backend: &Arc<FakeBackend>) -> ChangePassword {
    ChangePassword {
        passwords: PasswordPolicy::default(),
        updates: UserUpdates {
            users: backend.clone(),
            env: backend.env(),
        },
        sessions: backend.clone(),
        hasher: backend.clone(),
        reauthentication: Reauthentication {
            users: backend.clone(),
            hasher: backend.clone(),
            rate_limiter: backend.sign_in_limiter(10),
        },
    }
}

fn route() -> Route<ChangePassword, impl AsyncFn(Arc<ChangePassword>, Request) -> Response> {
    Route {
        access: handler::ACCESS,
        service,
        handle: handler::handle,
    }
}

async fn put(fixture: &Fixture, by: &Person, whom: &Person, body: &Value) -> Answer {
    let request = Sample::of_user("PUT", &whom.id.to_string(), "/password")
        .json(body)
        .bearer(&by.token);
    route().answer(&fixture.backend, request).await.unwrap()
}

fn own(current: &str, new: &str) -> Value {
    json!({"currentPassword": current, "newPassword": new})
}

/// Whether this is the user's password now.
async fn is_password(backend: &Arc<FakeBackend>, person: &Person, password: &str) -> bool {
    let user = backend.user(person.id).unwrap();
    let login: Login = backend
        .find_login(&LoginKey::Email(user.email))
        .await
        .unwrap()
        .unwrap();
    let hasher: &dyn PasswordHasher = backend.as_ref();
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
            Principal::Admin => json!({"newPassword": NEW}),
            _ => own(PASSWORD, NEW),
        };
        Sample::of_user("PUT", id, "/password").json(&body)
    };
    let admitted = route().admits(Access::OwnerOrAdmin, 204, request).await;
    admitted.unwrap();
}

#[tokio::test]
async fn every_session_ends_but_the_one_that_asks() {
    let fixture = Fixture::new().await.unwrap();
    let ann = fixture.backend.user(fixture.ann.id).unwrap();
    let elsewhere = fixture.backend.sign_in(&ann).await.unwrap();
    fixture.backend.clear_trace();
    let answer = put(&fixture, &fixture.ann, &fixture.ann, &own(PASSWORD, NEW)).await;
    assert_eq!(answer.status, 204);
    assert_eq!(
        fixture.backend.trace()[2..],
        [
            "users.find",
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "hasher.verify",
            "attempts.clear",
            "attempts.refund",
            "hasher.hash",
            "users.commit",
            "sessions.confirm"
        ],
        "after the guard's two"
    );
    assert!(is_password(&fixture.backend, &fixture.ann, NEW).await);
    let event = fixture.backend.outbox().pop().unwrap();
    assert_eq!(event.kind, EventKind::UserPasswordChanged);
    let epoch = fixture.backend.user(fixture.ann.id).unwrap().auth_epoch;
    for session in fixture.backend.sessions_of(fixture.ann.id) {
        let alive = session.auth_epoch >= epoch;
        assert_eq!(alive, session.id == fixture.ann.session_id);
        assert_eq!(!alive, session.id == elsewhere.session_id);
    }
    // Access tokens carry the epoch, so that of the session that asked is dead as well.
    let again = put(&fixture, &fixture.ann, &fixture.ann, &own(NEW, PASSWORD)).await;
    assert_eq!(again.problem(), (401, "unauthenticated"));
}

#[tokio::test]
async fn a_wrong_present_password_costs_one_verification() {
    let fixture = Fixture::new().await.unwrap();
    let answer = put(&fixture, &fixture.ann, &fixture.ann, &own("wrong", NEW)).await;
    assert_eq!(answer.problem(), (401, "invalid-credentials"));
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Password realm=\"roster\"")
    );
    assert_eq!(
        fixture.backend.trace()[2..],
        [
            "users.find",
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "hasher.verify"
        ]
    );
    assert!(is_password(&fixture.backend, &fixture.ann, PASSWORD).await);
}

#[tokio::test]
async fn an_administrator_needs_the_present_password_for_their_own_only() {
    let fixture = Fixture::new().await.unwrap();
    let bare = json!({"newPassword": NEW});
    let own_bare = put(&fixture, &fixture.admin, &fixture.admin, &bare).await;
    assert_eq!(own_bare.wrong_fields(), [("/currentPassword", "required")]);
    let own_wrong = put(&fixture, &fixture.admin, &fixture.admin, &own("wrong", NEW)).await;
    assert_eq!(own_wrong.problem(), (401, "invalid-credentials"));
    // What would not be looked at is not taken.
    let of_ann = put(&fixture, &fixture.admin, &fixture.ann, &own("wrong", NEW)).await;
    assert_eq!(
        of_ann.wrong_fields(),
        [("/currentPassword", "unknown-field")]
    );

    fixture.backend.clear_trace();
    assert_eq!(
        put(&fixture, &fixture.admin, &fixture.ann, &bare)
            .await
            .status,
        204
    );
    assert_eq!(
        fixture.backend.trace()[2..],
        ["users.find", "hasher.hash", "users.commit"]
    );
    assert!(is_password(&fixture.backend, &fixture.ann, NEW).await);
    let epoch = fixture.backend.user(fixture.ann.id).unwrap().auth_epoch;
    let session = fixture.backend.sessions_of(fixture.ann.id).remove(0);
    assert!(session.auth_epoch < epoch, "no session of hers outlives it");
}

#[tokio::test]
async fn the_policy_knows_the_user() {
    let fixture = Fixture::new().await.unwrap();
    let zoe = fixture
        .backend
        .sign_up("Zoekestrel", Roles::new())
        .await
        .unwrap();
    fixture.backend.clear_trace();
    for (new, code) in [
        ("zoekestrel", "too-weak"),
        ("zoekestrel@example.com", "too-weak"),
        ("x7#kq!", "too-short"),
    ] {
        let answer = put(&fixture, &zoe, &zoe, &own(PASSWORD, new)).await;
        assert_eq!(answer.problem(), (422, "invalid"));
        assert_eq!(answer.wrong_fields(), [("/newPassword", code)], "{new}");
    }
    assert!(!fixture.backend.trace().contains(&"hasher.verify"));
}

#[tokio::test]
async fn a_stale_version_changes_nothing() {
    let fixture = Fixture::new().await.unwrap();
    let request = Sample::of_user("PUT", "me", "/password")
        .json(&own(PASSWORD, NEW))
        .header("if-match", "\"2\"")
        .bearer(&fixture.ann.token);
    let answer = route().answer(&fixture.backend, request).await.unwrap();
    assert_eq!(answer.problem(), (412, "precondition-failed"));
    assert!(is_password(&fixture.backend, &fixture.ann, PASSWORD).await);
}

/// A hasher in whose time somebody else gives Ann another password or other roles.
struct Meanwhile(
    Arc<FakeBackend>,
    Person,
    fn(&User, &shared::domain::event::EventMetadata) -> Option<shared::domain::Change>,
);

#[async_trait::async_trait]
impl PasswordHasher for Meanwhile {
    async fn hash(&self, password: &Password) -> Result<shared::domain::PasswordHash> {
        let metadata = self.0.env().metadata(Origin::system("test"))?;
        let user = self.0.user(self.1.id).unwrap();
        if let Some(change) = (self.2)(&user, &metadata) {
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
            (|user: &User, metadata: &_| {
                let rescued = shared::domain::PasswordHash::from_phc("rescued");
                Some(user.reset_password(rescued, metadata))
            }) as fn(&User, &_) -> _,
            false,
        ),
        (
            |user, metadata| user.assign_roles(Roles::from([Role::admin()]), metadata),
            true,
        ),
    ] {
        let fixture = Fixture::new().await.unwrap();
        let service = ChangePassword {
            hasher: Arc::new(Meanwhile(
                fixture.backend.clone(),
                fixture.ann.clone(),
                change,
            )),
            ..service(&fixture.backend)
        };
        let outcome = service.execute(command(&fixture)).await;
        assert_eq!(outcome.is_ok(), wins, "{outcome:?}");
        assert_eq!(is_password(&fixture.backend, &fixture.ann, NEW).await, wins);
    }
}

fn command(fixture: &Fixture) -> Command {
    Command {
        target: Target {
            id: fixture.ann.id,
            expected: None,
            origin: Origin::system("test"),
        },
        proof: Proof::Owner {
            current: Password::presented(PASSWORD),
            session_id: fixture.ann.session_id,
        },
        new: Password::presented(NEW),
    }
}

/// Whatever fails wherever, one of the passwords is good; and once it is the new one, no session
/// lives but the one that asked.
#[tokio::test]
async fn a_new_password_survives_every_fault() {
    let tried = FakeBackend::try_every_fault(async |fault: Fault| {
        let fixture = Fixture::new().await.unwrap();
        let ann = fixture.backend.user(fixture.ann.id).unwrap();
        fixture.backend.sign_in(&ann).await.unwrap();
        let service = service(&fixture.backend);
        let work = service.execute(command(&fixture));
        let (outcome, fired) = fixture.backend.with_fault(fault, work).await;
        let is_new = is_password(&fixture.backend, &fixture.ann, NEW).await;
        assert_ne!(
            is_new,
            is_password(&fixture.backend, &fixture.ann, PASSWORD).await
        );
        if matches!(outcome, Some(Ok(()))) {
            assert!(is_new, "{fault:?}: what was said to be changed is");
        }
        let epoch = fixture.backend.user(fixture.ann.id).unwrap().auth_epoch;
        assert_eq!(epoch, u64::from(is_new), "{fault:?}");
        let sessions = fixture.backend.sessions_of(fixture.ann.id);
        let alive = sessions
            .iter()
            .filter(|session| session.auth_epoch >= epoch);
        assert!(!is_new || alive.clone().count() <= 1, "{fault:?}");
        assert!(
            !is_new
                || alive
                    .clone()
                    .all(|session| session.id == fixture.ann.session_id)
        );
        if !is_new {
            service.execute(command(&fixture)).await.unwrap();
            assert!(
                is_password(&fixture.backend, &fixture.ann, NEW).await,
                "{fault:?}"
            );
        }
        fired
    })
    .await;
    assert_eq!(tried, 4 * 10, "each of the ten calls was made to fail");
}
