use shared::{
    application::{idempotency::LEASE, ports::UserRepository as _},
    domain::{Change, EventKind, LoginKey, PasswordHash, Role, Roles, event::EventMetadata},
    lambda::http::Access,
};
use testing::{Answer, Endpoint, FakeBackend, Fixture, PASSWORD, Person, TestRequest, Value, json};

use super::*;
use crate::handler;

const NEW: &str = "seven purple kites aloft";

fn service(backend: &Arc<FakeBackend>) -> ChangePassword {
    ChangePassword {
        passwords: PasswordPolicy::default(),
        updates: backend.user_updates(),
        sessions: backend.clone(),
        hasher: backend.clone(),
        reauthentication: backend.reauthentication(10),
        idempotency: backend.idempotency(),
        random: backend.env().random,
    }
}

fn request(body: &Value) -> TestRequest {
    TestRequest::new("PUT", "/users/{id}/password").json(body)
}

fn endpoint() -> Endpoint {
    endpoint_over(service)
}

fn endpoint_over(wire: impl Fn(&Arc<FakeBackend>) -> ChangePassword + 'static) -> Endpoint {
    Endpoint::new(handler::ACCESS, handler::handle, wire)
        .request(request(&own(PASSWORD, NEW)), 204)
        .done_again(&Refusal::Unauthenticated)
}

async fn put(fixture: &Fixture, by: &Person, user: &Person, body: &Value) -> Answer {
    let request = request(body).id(&user.id).bearer(&by.token);
    endpoint().answer(&fixture.backend, request).await
}

fn own(current: &str, new: &str) -> Value {
    json!({"currentPassword": current, "newPassword": new})
}

/// Returns true if this is Ann's password now.
async fn is_password(fixture: &Fixture, password: &str) -> bool {
    let key = LoginKey::Email(fixture.ann().email);
    let login = fixture.backend.find_login(&key).await.unwrap().unwrap();
    let hasher: &dyn PasswordHasher = fixture.backend.as_ref();
    let presented = Password::presented(password);
    let matches = hasher.verify(&presented, login.password.as_ref()).await;
    matches.unwrap()
}

#[tokio::test]
async fn only_the_owner_may() {
    endpoint().admits(Access::OWNER).await;
}

#[tokio::test]
async fn a_stale_version_changes_nothing() {
    endpoint().refuses_a_stale_version().await;
}

/// The new password is the only one, and at most the session that asked is alive.
#[tokio::test]
async fn a_new_password_survives_every_fault() {
    let endpoint = endpoint().given(async |fixture, request| {
        fixture.backend.sign_in(&fixture.ann()).await;
        request
    });
    let is_done = async |fixture: &Fixture| {
        let epoch = fixture.ann().auth_epoch;
        let sessions = fixture.backend.sessions_of(fixture.ann.id);
        let mut alive = sessions
            .iter()
            .filter(|session| session.auth_epoch >= epoch);
        epoch == 1
            && alive.all(|session| session.id == fixture.ann.session_id)
            && is_password(fixture, NEW).await
            && !is_password(fixture, PASSWORD).await
    };
    let calls = endpoint.survives_every_fault(is_done).await;
    assert_eq!(calls[3..].len(), 9, "{calls:?}");
}

#[tokio::test]
async fn every_session_ends_but_the_one_that_asks() {
    let fixture = Fixture::new().await;
    let elsewhere = fixture.backend.sign_in(&fixture.ann()).await;
    assert_eq!(endpoint().send(&fixture).await.status, 204);
    assert_eq!(
        fixture.backend.trace()[3..],
        [
            "users.find",
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "hasher.verify",
            "attempts.clear",
            "hasher.hash",
            "users.commit",
            "sessions.confirm"
        ],
        "after the three of the access check"
    );
    assert!(is_password(&fixture, NEW).await);
    let event = fixture.backend.outbox().pop().unwrap();
    assert_eq!(event.kind, EventKind::UserPasswordChanged);
    let epoch = fixture.ann().auth_epoch;
    for session in fixture.backend.sessions_of(fixture.ann.id) {
        let alive = session.auth_epoch >= epoch;
        assert_eq!(alive, session.id == fixture.ann.session_id);
        assert_eq!(!alive, session.id == elsewhere.session_id);
    }
    // Access tokens carry the epoch, so that of the session that asked is invalid as well.
    let again = put(&fixture, &fixture.ann, &fixture.ann, &own(NEW, PASSWORD)).await;
    assert_eq!(again.problem(), (401, "unauthenticated"));
}

#[tokio::test]
async fn a_wrong_current_password_costs_one_verification() {
    let fixture = Fixture::new().await;
    let answer = put(&fixture, &fixture.ann, &fixture.ann, &own("wrong", NEW)).await;
    assert_eq!(answer.problem(), (401, "invalid-credentials"));
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Password realm=\"roster\"")
    );
    assert_eq!(
        fixture.backend.trace()[3..],
        [
            "users.find",
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "hasher.verify",
            "attempts.refund"
        ]
    );
    assert!(is_password(&fixture, PASSWORD).await);
}

#[tokio::test]
async fn the_policy_knows_the_user() {
    let fixture = Fixture::new().await;
    let zoe = fixture.backend.sign_up("Zoekestrel", Roles::new()).await;
    fixture.backend.clear_trace();
    for (new, code, is_costly) in [
        ("zoekestrel", "too-weak", true),
        ("zoekestrel@example.com", "too-weak", true),
        ("x7#kq!", "too-short", false),
    ] {
        fixture.backend.clear_trace();
        let answer = put(&fixture, &zoe, &zoe, &own(PASSWORD, new)).await;
        assert_eq!(answer.problem(), (422, "invalid"));
        assert_eq!(answer.invalid_fields(), [("/newPassword", code)], "{new}");
        let is_after_proof = fixture.backend.trace().contains(&"hasher.verify");
        assert_eq!(is_after_proof, is_costly, "{new}");
    }
    let unproven = put(&fixture, &zoe, &zoe, &own("wrong", "zoekestrel")).await;
    assert_eq!(unproven.problem(), (401, "invalid-credentials"));
}

fn keyed(body: &Value, key: &str) -> TestRequest {
    request(body).header("idempotency-key", key)
}

/// The answer got lost. The change ended the access token that the client has, and it repeats the request
/// with that, or with a newer one.
#[tokio::test]
async fn a_repeated_change_is_told_as_done_with_the_old_access_token_too() {
    let fixture = Fixture::new().await;
    let backend = &fixture.backend;
    let send = async |body: &Value, token: &str| {
        let request = keyed(body, "key-1").id(&fixture.ann.id).bearer(token);
        endpoint().answer(backend, request).await
    };
    let body = own(PASSWORD, NEW);
    assert_eq!(send(&body, &fixture.ann.token).await.status, 204);
    let newer = backend.sign_in(&fixture.ann()).await;
    let (events, user) = (backend.outbox().len(), fixture.ann());
    for token in [&fixture.ann.token, &newer.token] {
        backend.clear_trace();
        let again = send(&body, token).await;
        assert_eq!((again.status, again.body), (204, Value::Null));
        assert!(!backend.trace().contains(&"hasher.verify"));
        let other = send(&own(PASSWORD, "guess"), token).await;
        assert_eq!(other.problem(), (422, "idempotency-key-reused"));
    }
    assert_eq!((backend.outbox().len(), fixture.ann()), (events, user));

    // Guesses at what the first request carried are as few as repetitions.
    for _ in 4..10 {
        send(&own("guess", NEW), &fixture.ann.token).await;
    }
    let spent = send(&body, &newer.token).await;
    assert_eq!(spent.problem(), (429, "too-many-requests"));
}

/// A token that does not count any more opens nothing but the record of the same request.
#[tokio::test]
async fn a_void_token_changes_no_password() {
    let fixture = Fixture::new().await;
    let backend = &fixture.backend;
    backend.tamper(fixture.ann.id, |user| user.auth_epoch += 1);
    for (key, id) in [("key-1", fixture.ann.id), ("key-2", fixture.admin.id)] {
        for _ in 0..2 {
            let request = keyed(&own(PASSWORD, NEW), key).id(&id);
            let request = request.bearer(&fixture.ann.token);
            let refused = endpoint().answer(backend, request).await;
            assert_eq!(refused.problem(), (401, "unauthenticated"));
        }
    }
    assert!(is_password(&fixture, PASSWORD).await);
}

/// The worker that changed the password may die before it says so. The same request, a little later, is
/// told as done.
#[tokio::test]
async fn a_repeated_change_survives_every_fault() {
    let request = keyed(&own(PASSWORD, NEW), "key-1");
    let endpoint = Endpoint::new(handler::ACCESS, handler::handle, service)
        .request(request, 204)
        .pause(LEASE);
    let is_done =
        async |fixture: &Fixture| fixture.ann().auth_epoch == 1 && is_password(fixture, NEW).await;
    endpoint.survives_every_fault(is_done).await;
}

type Race = fn(&User, &EventMetadata) -> Option<Change>;

/// A hasher during whose work another command changes Ann.
struct Meanwhile(Arc<FakeBackend>, Race);

#[async_trait::async_trait]
impl PasswordHasher for Meanwhile {
    async fn hash(&self, password: &Password) -> Result<PasswordHash> {
        let mut users = self.0.users().into_iter();
        let ann = users.find(|user| user.name.as_str() == "Ann").unwrap();
        if let Some(change) = (self.1)(&ann, &self.0.metadata()) {
            self.0.commit(&change).await?;
        }
        let hasher: &dyn PasswordHasher = self.0.as_ref();
        hasher.hash(password).await
    }

    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool> {
        let hasher: &dyn PasswordHasher = self.0.as_ref();
        hasher.verify(password, hash).await
    }

    fn is_current(&self, hash: &PasswordHash) -> bool {
        self.0.is_current(hash)
    }
}

/// The current password was checked before the hash; if it changed meanwhile, the check is void.
#[tokio::test]
async fn who_knew_only_the_password_before_last_loses_the_race() {
    let reset: Race = |ann, metadata| {
        let rescued = PasswordHash::from_phc("rescued");
        Some(ann.reset_password(rescued, metadata))
    };
    let promote: Race = |ann, metadata| {
        ann.assign_roles(Roles::from([Role::admin()]), metadata)
            .unwrap()
    };
    for (race, wins) in [(reset, false), (promote, true)] {
        let fixture = Fixture::new().await;
        let endpoint = endpoint_over(move |backend| ChangePassword {
            hasher: Arc::new(Meanwhile(backend.clone(), race)),
            ..service(backend)
        });
        let answer = endpoint.send(&fixture).await;
        assert_eq!(answer.status == 204, wins, "{answer:?}");
        assert_eq!(is_password(&fixture, NEW).await, wins);
    }
}
