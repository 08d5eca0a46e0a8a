use serde_json::{Value, json};
use shared::{
    domain::EventKind,
    lambda::http::{Access, Authenticator, answer},
};
use testing::{FakeBackend, Fault, sample::Sample};

use super::*;
use crate::handler;

fn service(backend: &Arc<FakeBackend>, policy: SignUpPolicy) -> Arc<CreateUser> {
    Arc::new(CreateUser {
        policy,
        passwords: PasswordPolicy::default(),
        users: backend.clone(),
        requests: backend.clone(),
        hasher: backend.clone(),
        rate_limiter: backend.rate_limiter(),
        per_client_ip: Limit::hourly(5),
        mails_per_address: Limit::hourly(2),
        idempotency: Idempotency::new(backend.clone(), backend.clone(), backend.clone()),
        env: backend.env(),
    })
}

fn body(email: &str) -> Value {
    json!({"email": email, "name": "Ann Example", "password": "correct horse battery staple"})
}

async fn mail_service(service: &Arc<CreateUser>, request: Sample) -> (u16, Value) {
    let request = request.into_request().unwrap();
    let response = answer(
        handler::ACCESS,
        &Authenticator::open(""),
        service.clone(),
        &handler::handle,
        request,
    )
    .await;
    let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    (response.status().as_u16(), body)
}

fn sign_up(email: &str) -> Sample {
    Sample::new("POST", "/users").json(&body(email))
}

fn sign_up_once(email: &str) -> Sample {
    sign_up(email).header("idempotency-key", "key-1")
}

#[tokio::test]
async fn a_sign_up_makes_a_user_and_an_event() {
    let backend = FakeBackend::new();
    let (status, user) = mail_service(
        &service(&backend, SignUpPolicy::Open),
        sign_up("Ann@Example.com"),
    )
    .await;
    assert_eq!(
        (status, &user["email"], &user["version"]),
        (201, &json!("ann@example.com"), &json!(1))
    );
    let events = backend.outbox();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].kind, events[0].user_id.unwrap().to_string()),
        (
            EventKind::UserCreated,
            user["id"].as_str().unwrap().to_owned()
        )
    );
    assert_eq!(
        backend.trace(),
        ["attempts.spend", "hasher.hash", "users.commit"],
        "one try, one hash and one transaction"
    );
}

#[tokio::test]
async fn an_address_in_other_letters_is_taken() {
    let backend = FakeBackend::new();
    let service = service(&backend, SignUpPolicy::Open);
    mail_service(&service, sign_up("ann@example.com")).await;
    let (status, problem) = mail_service(&service, sign_up("ANN@EXAMPLE.COM")).await;
    assert_eq!((status, &problem["code"]), (409, &json!("email-taken")));
    assert_eq!(backend.outbox().len(), 1);
}

#[tokio::test]
async fn every_wrong_field_is_pointed_at() {
    let backend = FakeBackend::new();
    let request = Sample::new("POST", "/users")
        .json(&json!({"email": "ann", "password": "password1", "admin": true}));
    let (status, problem) = mail_service(&service(&backend, SignUpPolicy::Open), request).await;
    assert_eq!(status, 422);
    let errors = problem["errors"].as_array().unwrap();
    let pointed: Vec<_> = errors
        .iter()
        .map(|error| {
            (
                error["pointer"].as_str().unwrap(),
                error["code"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        pointed,
        [
            ("/email", "invalid-email"),
            ("/name", "required"),
            ("/password", "too-weak"),
            ("/admin", "unknown-field")
        ]
    );
    assert!(backend.trace().is_empty(), "nothing was asked of the world");
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let backend = FakeBackend::new();
    let service = service(&backend, SignUpPolicy::Open);
    let with = |kind: &str, text: &str| Sample::new("POST", "/users").body(kind, text);
    assert_eq!(
        mail_service(&service, with("application/json", "{"))
            .await
            .0,
        400
    );
    assert_eq!(
        mail_service(&service, with("application/json", "[]"))
            .await
            .0,
        400
    );
    assert_eq!(
        mail_service(&service, with("text/plain", "{}")).await.0,
        415
    );
    assert_eq!(
        mail_service(&service, Sample::new("POST", "/users"))
            .await
            .0,
        415
    );
    let large = format!("{{\"name\":\"{}\"}}", "a".repeat(64 * 1024));
    assert_eq!(
        mail_service(&service, with("application/json", &large))
            .await
            .0,
        413
    );
    assert_eq!(
        mail_service(&service, with("application/json; charset=utf-8", "{}"))
            .await
            .0,
        422
    );
}

#[tokio::test]
async fn a_repetition_gives_the_first_answer() {
    let backend = FakeBackend::new();
    let service = service(&backend, SignUpPolicy::Open);
    let first = mail_service(&service, sign_up_once("ann@example.com")).await;
    assert_eq!(first.0, 201);
    assert_eq!(
        mail_service(&service, sign_up_once("ann@example.com")).await,
        first
    );
    let (status, problem) = mail_service(&service, sign_up_once("bob@example.com")).await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("idempotency-key-reused"))
    );
    assert_eq!(backend.users().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_repeated_too() {
    let backend = FakeBackend::new();
    let service = service(&backend, SignUpPolicy::Open);
    mail_service(&service, sign_up("ann@example.com")).await;
    assert_eq!(
        mail_service(&service, sign_up_once("ann@example.com"))
            .await
            .0,
        409
    );
    assert_eq!(
        mail_service(&service, sign_up_once("ann@example.com"))
            .await
            .0,
        409
    );
}

#[tokio::test]
async fn a_concealed_sign_up_does_the_same_for_any_address() {
    let backend = FakeBackend::new();
    mail_service(
        &service(&backend, SignUpPolicy::Open),
        sign_up("ann@example.com"),
    )
    .await;
    let concealed = service(&backend, SignUpPolicy::Concealed);
    backend.clear_trace();
    let taken = mail_service(&concealed, sign_up("ann@example.com")).await;
    let trace = backend.trace();
    backend.clear_trace();
    let free = mail_service(&concealed, sign_up("bob@example.com")).await;
    assert_eq!((taken.0, &taken), (202, &free));
    assert_eq!(
        trace,
        [
            "attempts.spend",
            "attempts.spend",
            "hasher.hash",
            "requests.put"
        ]
    );
    assert_eq!(backend.trace(), trace);
}

#[tokio::test]
async fn only_administrators_create_users_under_the_admin_policy() {
    let backend = FakeBackend::new();
    let closed = service(&backend, SignUpPolicy::Admin);
    assert_eq!(
        mail_service(&closed, sign_up("ann@example.com")).await.0,
        401
    );
    assert_eq!(handler::ACCESS, Access::AnyoneOrCaller);
}

/// Whatever fails wherever, a client that repeats its request with its key gets its user, and
/// there is one user with one event.
#[tokio::test]
async fn a_sign_up_survives_every_fault() {
    let tried = FakeBackend::try_every_fault(async |fault: Fault| {
        let backend = FakeBackend::new();
        let service = service(&backend, SignUpPolicy::Open);
        let command = || Command {
            mode: SignUpMode::Open,
            email: "ann@example.com".parse().unwrap(),
            name: "Ann".parse().unwrap(),
            password: PasswordPolicy::default()
                .choose("correct horse battery staple", &[])
                .unwrap(),
            origin: Origin::system("test"),
            idempotency_key: Some(IdempotencyKey::new("key-1", b"{}")),
        };
        let (_, fired) = backend.with_fault(fault, service.execute(command())).await;
        // The dead worker's lease runs out.
        backend.advance(std::time::Duration::from_secs(16));
        let again = service.execute(command()).await.unwrap();
        let users = backend.users();
        assert_eq!(again, Outcome::Created(users[0].clone()), "{fault:?}");
        assert_eq!((users.len(), backend.outbox().len()), (1, 1), "{fault:?}");
        fired
    })
    .await;
    assert!(
        tried >= 4 * 5,
        "leases, hash, commit and secrets were each made to fail: {tried}"
    );
}

#[tokio::test]
async fn one_place_signs_up_so_often_an_hour() {
    let backend = FakeBackend::new();
    let open = service(&backend, SignUpPolicy::Open);
    for number in 0..5 {
        let email = format!("ann{number}@example.com");
        assert_eq!(mail_service(&open, sign_up(&email)).await.0, 201);
    }
    backend.clear_trace();
    let (status, problem) = mail_service(&open, sign_up("ann5@example.com")).await;
    assert_eq!(
        (status, &problem["code"]),
        (429, &json!("too-many-requests"))
    );
    assert_eq!(backend.trace(), ["attempts.spend"], "nothing is hashed");
    let command = Command {
        mode: SignUpMode::ByAdmin,
        email: "bob@example.com".parse().unwrap(),
        name: "Bob".parse().unwrap(),
        password: PasswordPolicy::default()
            .choose("correct horse battery staple", &[])
            .unwrap(),
        origin: Origin::system("test"),
        idempotency_key: None,
    };
    let created = open.execute(command).await;
    assert!(created.is_ok(), "administrators have no limit");
    backend.advance(std::time::Duration::from_hours(1));
    assert_eq!(
        mail_service(&open, sign_up("ann5@example.com")).await.0,
        201
    );
}

#[tokio::test]
async fn a_concealed_sign_up_is_also_limited_by_its_address() {
    let backend = FakeBackend::new();
    let concealed = service(&backend, SignUpPolicy::Concealed);
    for expected in [202, 202, 429] {
        assert_eq!(
            mail_service(&concealed, sign_up("ann@example.com")).await.0,
            expected
        );
    }
    assert_eq!(
        mail_service(&concealed, sign_up("bob@example.com")).await.0,
        202
    );
}

/// While a new release is deployed, and for a day after, records of the old one are met.
#[test]
fn records_have_the_form_they_always_had() {
    let user_id = UserId::new(shared::domain::Timestamp::from_seconds(1), [7; 10]);
    let event_id = EventId::new(shared::domain::Timestamp::from_seconds(1), [8; 10]);
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
