use shared::{
    domain::{EventKind, LoginKey, Timestamp, user::Standing},
    lambda::http::Access,
};
use testing::{Answer, Endpoint, FakeBackend, Fixture, PASSWORD, Principal, TestRequest, json};

use super::*;
use crate::handler;

const OPEN: SignUpPolicy = SignUpPolicy::Open;

fn endpoint(policy: SignUpPolicy) -> Endpoint {
    Endpoint::new(handler::ACCESS, handler::handle, move |backend| {
        CreateUser {
            policy,
            passwords: PasswordPolicy::default(),
            users: backend.clone(),
            requests: backend.clone(),
            hasher: backend.clone(),
            sign_ups: backend.sign_up_limiter(),
            idempotency: backend.idempotency(),
            env: backend.env(),
        }
    })
}

fn request(email: &str) -> TestRequest {
    let body = json!({"email": email, "name": "Ann Example", "password": PASSWORD});
    TestRequest::new("POST", "/users").json(&body)
}

fn invitation(email: &str) -> TestRequest {
    TestRequest::new("POST", "/users").json(&json!({"email": email, "name": "Ann Example"}))
}

fn request_once(email: &str) -> TestRequest {
    request(email).header("idempotency-key", "key-1")
}

async fn post(backend: &Arc<FakeBackend>, policy: SignUpPolicy, request: TestRequest) -> Answer {
    backend.clear_trace();
    endpoint(policy).answer(backend, request).await
}

/// Signs up with this address, and returns the status.
async fn sign_up(backend: &Arc<FakeBackend>, policy: SignUpPolicy, email: &str) -> u16 {
    post(backend, policy, request(email)).await.status
}

#[tokio::test]
async fn a_sign_up_makes_a_user_and_an_event() {
    let backend = FakeBackend::new();
    let answer = post(&backend, OPEN, request("Ann@Example.com")).await;
    let user = &answer.body;
    assert_eq!(answer.status, 201);
    assert_eq!(user["email"], "ann@example.com");
    assert_eq!(user["version"], 1);
    let events = backend.outbox();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].kind, EventKind::UserCreated);
    assert_eq!(json!(events[0].user_id), user["id"]);
    assert_eq!(
        backend.trace(),
        ["attempts.spend", "hasher.hash", "users.commit"],
        "one attempt, one hash and one transaction"
    );
}

#[tokio::test]
async fn an_address_in_other_letters_is_taken() {
    let backend = FakeBackend::new();
    sign_up(&backend, OPEN, "ann@example.com").await;
    let answer = post(&backend, OPEN, request("ANN@EXAMPLE.COM")).await;
    assert_eq!(answer.problem(), (409, "email-taken"));
    assert_eq!(backend.outbox().len(), 1);
}

#[tokio::test]
async fn every_wrong_field_is_pointed_at() {
    let backend = FakeBackend::new();
    let wrong = json!({"email": "ann", "password": "short", "admin": true});
    let request = TestRequest::new("POST", "/users").json(&wrong);
    let answer = post(&backend, OPEN, request).await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.invalid_fields(),
        [
            ("/email", "invalid-email"),
            ("/name", "required"),
            ("/password", "too-short"),
            ("/admin", "unknown-field")
        ]
    );
    assert!(backend.trace().is_empty(), "no port was called");
}

/// To judge a password takes time, so only who has an attempt left may ask for it.
#[tokio::test]
async fn a_password_is_judged_after_the_limit_is_spent() {
    let backend = FakeBackend::new();
    let weak =
        json!({"email": "ann@example.com", "name": "Ann Example", "password": "Ann Example"});
    for _ in 0..5 {
        let request = TestRequest::new("POST", "/users").json(&weak);
        let answer = post(&backend, OPEN, request).await;
        assert_eq!(answer.invalid_fields(), [("/password", "too-weak")]);
        assert_eq!(backend.trace(), ["attempts.spend"]);
    }
    let request = TestRequest::new("POST", "/users").json(&weak);
    let refused = post(&backend, OPEN, request).await;
    assert_eq!(refused.problem(), (429, "too-many-requests"));
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let backend = FakeBackend::new();
    let large = format!("{{\"name\":\"{}\"}}", "a".repeat(64 * 1024));
    for (content_type, text, status) in [
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("text/plain", "{}", 415),
        ("application/json", &large, 413),
        ("application/json; charset=utf-8", "{}", 422),
    ] {
        let request = TestRequest::new("POST", "/users").body(content_type, text);
        let answer = post(&backend, OPEN, request).await;
        assert_eq!(answer.status, status, "{content_type}");
    }
    let empty = post(&backend, OPEN, TestRequest::new("POST", "/users")).await;
    assert_eq!(empty.status, 415);
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer() {
    let backend = FakeBackend::new();
    let first = post(&backend, OPEN, request_once("ann@example.com")).await;
    assert_eq!(first.status, 201);
    let again = post(&backend, OPEN, request_once("ann@example.com")).await;
    assert_eq!((again.status, again.body), (201, first.body));
    assert_eq!(backend.users().len(), 1);
    let of_a_stranger = post(&backend, OPEN, request_once("bob@example.com")).await;
    assert_eq!(of_a_stranger.status, 201);
}

/// The record holds no more of a user than the id.
#[tokio::test]
async fn a_repetition_shows_the_user_as_it_is_now_and_nobody_after_the_erasure() {
    let fixture = Fixture::new().await;
    let backend = &fixture.backend;
    let invite = async |email: &str| {
        let request = invitation(email).header("idempotency-key", "key-1");
        post(backend, OPEN, request.bearer(&fixture.admin.token)).await
    };
    let first = invite("new@example.com").await;
    let id: UserId = first.body["id"].as_str().unwrap().parse().unwrap();
    let other = invite("other@example.com").await;
    assert_eq!(other.problem(), (422, "idempotency-key-reused"));
    let rename =
        |user: &User, metadata: &_| Ok(user.rename("Another".parse().unwrap(), metadata).unwrap());
    backend.change(id, rename).await;
    let again = invite("new@example.com").await;
    assert_eq!(
        (again.status, &again.body["name"]),
        (201, &json!("Another"))
    );
    let erase = |user: &User, metadata: &_| Ok(user.erase(metadata));
    backend.change(id, erase).await;
    let gone = invite("new@example.com").await;
    assert_eq!(gone.problem(), (404, "not-found"));
    assert!(backend.user(id).is_none());
}

#[tokio::test]
async fn who_is_told_that_a_field_is_wrong_keeps_the_key() {
    let backend = FakeBackend::new();
    let weak =
        json!({"email": "ann@example.com", "name": "Ann Example", "password": "Ann Example"});
    let weak = TestRequest::new("POST", "/users").json(&weak);
    let refused = post(&backend, OPEN, weak.header("idempotency-key", "key-1")).await;
    assert_eq!(refused.invalid_fields(), [("/password", "too-weak")]);
    let better = post(&backend, OPEN, request_once("ann@example.com")).await;
    assert_eq!(better.status, 201);
}

#[tokio::test]
async fn a_refusal_is_repeated_too() {
    let backend = FakeBackend::new();
    sign_up(&backend, OPEN, "ann@example.com").await;
    for _ in 0..2 {
        let answer = post(&backend, OPEN, request_once("ann@example.com")).await;
        assert_eq!(answer.status, 409);
    }
}

#[tokio::test]
async fn a_concealed_sign_up_does_the_same_for_any_address() {
    let backend = FakeBackend::new();
    sign_up(&backend, OPEN, "ann@example.com").await;
    let mut outcomes = Vec::new();
    for email in ["ann@example.com", "bob@example.com"] {
        let answer = post(&backend, SignUpPolicy::Concealed, request(email)).await;
        outcomes.push((answer.status, answer.body, backend.trace()));
    }
    assert_eq!(outcomes[0].0, 202);
    assert_eq!(outcomes[0], outcomes[1]);
    assert_eq!(
        outcomes[0].2,
        ["attempts.spend", "hasher.hash", "requests.put"]
    );
}

#[tokio::test]
async fn only_administrators_create_users_under_the_admin_policy() {
    assert_eq!(handler::ACCESS, Access::ANYONE_OR_SUPPORT.recent_by_role());
    let fixture = Fixture::new().await;
    let request = || request("new@example.com");
    for (request, status) in [
        (request(), 401),
        (request().bearer(&fixture.ann.token), 403),
        (
            invitation("new@example.com").bearer(&fixture.admin.token),
            201,
        ),
    ] {
        let answer = post(&fixture.backend, SignUpPolicy::Admin, request).await;
        assert_eq!(answer.status, status);
    }
}

/// A client that repeats its request with its key gets its user: one user, with one event.
#[tokio::test]
async fn a_sign_up_survives_every_fault() {
    let post_once = async |backend: &Arc<FakeBackend>| {
        post(backend, OPEN, request_once("ann@example.com")).await
    };
    let calls = FakeBackend::survives_every_fault(
        async |_| (),
        async |backend, ()| match post_once(backend).await {
            answer if answer.status == 201 => Ok(()),
            other => Err(format!("{other:?}")),
        },
        async |backend, ()| {
            let (users, events) = (backend.users(), backend.outbox());
            let answer = post_once(backend).await;
            (users.len(), events.len()) == (1, 1) && answer.body["id"] == json!(users[0].id)
        },
    )
    .await;
    assert!(calls.len() >= 5, "{calls:?}");
}

#[tokio::test]
async fn sign_ups_from_one_client_address_are_limited() {
    let fixture = Fixture::new().await;
    let backend = &fixture.backend;
    for number in 0..5 {
        let email = format!("ann{number}@example.com");
        assert_eq!(sign_up(backend, OPEN, &email).await, 201);
    }
    let answer = post(backend, OPEN, request("ann5@example.com")).await;
    assert_eq!(answer.problem(), (429, "too-many-requests"));
    assert_eq!(backend.trace(), ["attempts.spend"], "nothing is hashed");
    let by_admin = invitation("new@example.com").bearer(&fixture.admin.token);
    let answer = post(backend, OPEN, by_admin).await;
    assert_eq!(answer.status, 201, "administrators have no limit");
    backend.advance(std::time::Duration::from_hours(1));
    assert_eq!(sign_up(backend, OPEN, "ann5@example.com").await, 201);
}

#[tokio::test]
async fn an_administrator_invites_and_chooses_no_password() {
    for policy in [OPEN, SignUpPolicy::Concealed, SignUpPolicy::Admin] {
        let fixture = Fixture::new().await;
        let backend = &fixture.backend;
        let by_admin = invitation("new@example.com").bearer(&fixture.admin.token);
        let answer = post(backend, policy, by_admin).await;
        assert_eq!(answer.status, 201);
        assert!(!backend.trace().contains(&"hasher.hash"));
        let user = backend.user(answer.body["id"].as_str().unwrap().parse().unwrap());
        let user = user.unwrap();
        assert_eq!(user.standing, Standing::Invited);
        assert!(!user.email_verified && user.roles.is_empty());
        let key = LoginKey::Email(user.email);
        let login = backend.find_login(&key).await.unwrap().unwrap();
        assert_eq!(login.password, None);
        let event = backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserInvited);

        let with_password = request("other@example.com").bearer(&fixture.admin.token);
        let refused = post(backend, policy, with_password).await;
        assert_eq!(refused.invalid_fields(), [("/password", "not-allowed")]);
    }
}

#[tokio::test]
async fn support_and_its_keys_invite_too() {
    for (principal, status) in [
        (Principal::Support, 201),
        (Principal::SupportKey, 201),
        (Principal::Reader, 403),
        (Principal::ReaderKey, 403),
    ] {
        let fixture = Fixture::new().await;
        let token = fixture.token(principal).await.unwrap();
        let request = invitation("new@example.com").bearer(&token);
        let answer = post(&fixture.backend, SignUpPolicy::Admin, request).await;
        assert_eq!(answer.status, status, "{principal:?}");
    }
}

#[tokio::test]
async fn a_repeated_invitation_gets_the_first_answer() {
    let fixture = Fixture::new().await;
    let invite = async || {
        let request = invitation("new@example.com").header("idempotency-key", "key-1");
        let request = request.bearer(&fixture.admin.token);
        post(&fixture.backend, OPEN, request).await
    };
    let first = invite().await;
    let again = invite().await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.body, again.body);
    let taken = invitation("new@example.com").bearer(&fixture.admin.token);
    let taken = post(&fixture.backend, OPEN, taken).await;
    assert_eq!(taken.problem(), (409, "email-taken"));
}

/// While a new release is deployed, and for a day after, records of the old one are met.
#[test]
fn records_have_the_form_they_always_had() {
    let user_id = UserId::new(Timestamp::from_seconds(1), [7; 10]);
    let event_id = EventId::new(Timestamp::from_seconds(1), [8; 10]);
    for (record, stored) in [
        (
            Record::Created { user_id },
            json!({"status": "created", "userId": user_id}),
        ),
        (Record::Accepted, json!({"status": "accepted"})),
        (Record::Taken, json!({"status": "taken"})),
    ] {
        assert_eq!(json!(record), stored);
        let read: Record = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(json!(read), stored);
    }
    let stored = json!({"userId": user_id, "eventId": event_id});
    let reserved: Reserved = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(json!(reserved), stored);
}
