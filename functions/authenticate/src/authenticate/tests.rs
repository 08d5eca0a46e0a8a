use std::time::Duration;

use adapters::jwt::Jwt;
use serde_json::{Value, json};
use shared::{
    application::{
        ports::{PasswordHasher, SecretPurpose, TokenVerifier as _, UserRepository as _},
        shared_secret::SharedSecret,
        user_updates::UserUpdates,
    },
    domain::{EventKind, Password, Roles, User, UserId, sign_up::SignUpPolicy, user::NewUser},
    lambda::http::{Access, Authenticator, answer, response},
};
use testing::{FakeBackend, Fault, sample::Sample};

use super::*;
use crate::{handler, oidc::OidcStrategy, password::PasswordStrategy};

const PASSWORD: &str = "correct horse battery staple";

struct Fixture {
    backend: Arc<FakeBackend>,
    tokens: Arc<Jwt>,
    service: Arc<Authenticate>,
}

impl Fixture {
    /// A world in which Ann has an account.
    async fn new() -> Self {
        let backend = FakeBackend::new();
        let tokens = Arc::new(Jwt::new(backend.clone(), backend.env(), "roster"));
        let password = PasswordStrategy {
            users: backend.clone(),
            hasher: backend.clone(),
            rate_limiter: backend.sign_in_limiter(10),
            env: backend.env(),
        };
        let secret = SharedSecret::new(SecretPurpose::Refresh, backend.clone(), backend.clone());
        let service = Arc::new(Authenticate {
            password: Arc::new(password),
            oidc: Arc::new(OidcStrategy {
                policy: SignUpPolicy::Open,
                providers: backend.clone(),
                rate_limiter: backend.sign_in_limiter(10),
                updates: UserUpdates {
                    users: backend.clone(),
                    env: backend.env(),
                },
            }),
            sessions: backend.clone(),
            session_tokens: SessionTokens {
                tokens: tokens.clone(),
                refresh_secret: secret,
            },
            env: backend.env(),
        });
        let metadata = backend.env().metadata(Origin::system("test")).unwrap();
        let hasher: &dyn PasswordHasher = backend.as_ref();
        let new = NewUser {
            id: UserId::new(metadata.now, [7; 10]),
            email: "ann@example.com".parse().unwrap(),
            name: "Ann".parse().unwrap(),
            password: hasher.hash(&Password::presented(PASSWORD)).await.unwrap(),
            roles: Roles::new(),
        };
        backend.commit(&User::create(new, &metadata)).await.unwrap();
        let fixture = Self {
            backend,
            tokens,
            service,
        };
        // The first sign-in makes keys; what follows is warm.
        fixture.sign_in("ann@example.com", PASSWORD).await;
        fixture.backend.clear_trace();
        fixture
    }

    async fn mail_service(&self, body: &Value) -> (u16, Value) {
        let request = Sample::new("POST", "/sessions")
            .json(body)
            .into_request()
            .unwrap();
        let authenticator = Authenticator::open("");
        let response = answer(
            handler::ACCESS,
            &authenticator,
            self.service.clone(),
            &handler::handle,
            request,
        )
        .await;
        assert_eq!(response.headers()["cache-control"], "no-store");
        (
            response.status().as_u16(),
            serde_json::from_slice(response.body()).unwrap(),
        )
    }

    async fn sign_in(&self, email: &str, password: &str) -> (u16, Value) {
        self.mail_service(&json!({"email": email, "password": password}))
            .await
    }
}

#[tokio::test]
async fn the_right_password_starts_a_session() {
    let fixture = Fixture::new().await;
    let (status, body) = fixture.sign_in(" Ann@Example.com", PASSWORD).await;
    assert_eq!(
        (status, &body["tokenType"], &body["expiresIn"]),
        (201, &json!("Bearer"), &json!(600))
    );
    let token = body["accessToken"].as_str().unwrap();
    let grant = fixture
        .tokens
        .verify("https://api.example.com", token)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(json!(grant.user_id), body["user"]["id"]);
    assert_eq!(body["refreshToken"].as_str().unwrap().len(), 91);
    let event = fixture.backend.outbox().pop().unwrap();
    assert_eq!(
        (event.kind, event.data.session_id),
        (EventKind::SessionStarted, Some(grant.session_id))
    );
    assert_eq!(event.actor, Actor::User(grant.user_id));
}

#[tokio::test]
async fn unknown_wrong_and_inactive_look_alike() {
    let fixture = Fixture::new().await;
    let mut answers = Vec::new();
    for (email, password, active) in [
        ("bob@example.com", PASSWORD, true),
        ("ann@example.com", "wrong", true),
        ("ann@example.com", PASSWORD, false),
    ] {
        let id = fixture.backend.users()[0].id;
        fixture.backend.tamper(id, |user| user.active = active);
        fixture.backend.clear_trace();
        let answer = fixture.sign_in(email, password).await;
        answers.push((answer, fixture.backend.trace()));
    }
    assert_eq!(answers[0].0.0, 401);
    assert_eq!(answers[0].0.1["code"], "invalid-credentials");
    assert_eq!(
        answers[0].1,
        [
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "users.find",
            "hasher.verify"
        ]
    );
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn a_warm_sign_in_makes_eight_calls() {
    let fixture = Fixture::new().await;
    fixture.sign_in("ann@example.com", PASSWORD).await;
    assert_eq!(
        fixture.backend.trace(),
        [
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "users.find",
            "hasher.verify",
            "sessions.start",
            "attempts.clear",
            "attempts.refund",
        ]
    );
}

#[tokio::test]
async fn a_right_password_is_not_counted_though_the_session_cannot_be_stored() {
    let fixture = Fixture::new().await;
    let sign_in = async { Ok(fixture.sign_in("ann@example.com", PASSWORD).await) };
    let (answer, _) = fixture.backend.with_fault(Fault::Fail(5), sign_in).await;
    assert_eq!(answer.unwrap().unwrap().0, 500);
    let calls = ["sessions.start", "attempts.clear", "attempts.refund"];
    assert_eq!(fixture.backend.trace()[5..], calls);
}

#[tokio::test]
async fn wrong_fields_are_pointed_at() {
    let fixture = Fixture::new().await;
    for (body, expected) in [
        (
            json!({"strategy": "magic", "email": "ann"}),
            vec!["unknown-strategy"],
        ),
        (json!({"strategy": 7}), vec!["wrong-type"]),
        (
            json!({"strategy": "password", "email": "ann", "code": "x"}),
            vec!["invalid-email", "required", "unknown-field"],
        ),
    ] {
        let (status, problem) = fixture.mail_service(&body).await;
        let errors = problem["errors"].as_array().unwrap().iter();
        let codes: Vec<_> = errors
            .map(|error| error["code"].as_str().unwrap())
            .collect();
        assert_eq!((status, codes), (422, expected));
    }
}

#[tokio::test]
async fn a_token_opens_what_it_should_and_nothing_else() {
    let fixture = Fixture::new().await;
    let (_, body) = fixture.sign_in("ann@example.com", PASSWORD).await;
    let token = body["accessToken"].as_str().unwrap().to_owned();
    let id = fixture.backend.users()[0].id;
    let authenticator = Authenticator::guarded("", fixture.tokens.clone(), fixture.backend.clone());
    let knock = async |access: Access, token: &str, path_id: &str| {
        let request = Sample::new("GET", "/users/x")
            .bearer(token)
            .parameter("id", path_id)
            .into_request()
            .unwrap();
        let handle =
            async |_: Arc<()>, _| response::json(shared::lambda::http::StatusCode::OK, &());
        answer(access, &authenticator, Arc::new(()), &handle, request)
            .await
            .status()
            .as_u16()
    };
    let (own, other) = (
        id.to_string(),
        UserId::new(fixture.backend.env().clock.now(), [8; 10]).to_string(),
    );
    assert_eq!(knock(Access::Caller, &token, &own).await, 200);
    assert_eq!(knock(Access::OwnerOrAdmin, &token, &own).await, 200);
    assert_eq!(knock(Access::OwnerOrAdmin, &token, &other).await, 403);
    assert_eq!(knock(Access::Admin, &token, &own).await, 403);
    // Another signature, another issuer, no token at all.
    assert_eq!(
        knock(Access::Caller, &token[..token.len() - 4], &own).await,
        401
    );
    assert!(
        fixture
            .tokens
            .verify("https://evil.example.com", &token)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(knock(Access::Caller, "", &own).await, 401);
    // Roles count as they are now; so do epoch and activity.
    fixture.backend.tamper(id, |user| {
        user.roles.insert(shared::domain::Role::admin());
    });
    assert_eq!(knock(Access::Admin, &token, &other).await, 200);
    fixture.backend.tamper(id, |user| user.auth_epoch += 1);
    assert_eq!(knock(Access::Caller, &token, &own).await, 401);
    fixture.backend.tamper(id, |user| {
        user.auth_epoch -= 1;
        user.active = false;
    });
    assert_eq!(knock(Access::Caller, &token, &own).await, 401);
    fixture.backend.tamper(id, |user| user.active = true);
    fixture.backend.advance(std::time::Duration::from_mins(11));
    assert_eq!(knock(Access::Caller, &token, &own).await, 401, "expired");
}

/// Status, code and `Retry-After` of a try.
async fn guess(fixture: &Fixture, email: &str, password: &str) -> (u16, Value, Vec<&'static str>) {
    fixture.backend.clear_trace();
    let (status, body) = fixture.sign_in(email, password).await;
    (status, body["code"].clone(), fixture.backend.trace())
}

#[tokio::test]
async fn after_ten_guesses_known_and_unknown_addresses_are_locked_alike() {
    let fixture = Fixture::new().await;
    let mut stories = Vec::new();
    for email in ["ann@example.com", "nobody@example.com"] {
        let mut story = Vec::new();
        for _ in 0..10 {
            story.push(guess(&fixture, email, "wrong").await);
        }
        // The right password does not show itself.
        for _ in 0..2 {
            story.push(guess(&fixture, email, PASSWORD).await);
        }
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
    let statuses: Vec<_> = stories[0].iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, [vec![401; 10], vec![429; 2]].concat());
    let (_, code, calls) = &stories[0][10];
    assert_eq!(code, "too-many-requests");
    let refused = ["attempts.spend", "attempts.spend", "users.find_login"];
    let released = ["attempts.refund"];
    let announced = ["attempts.announce"];
    assert!(
        calls.iter().all(|call| refused.contains(call)
            || released.contains(call)
            || announced.contains(call)),
        "nothing is compared: {calls:?}"
    );
    let locks = fixture.backend.outbox().into_iter();
    let locks: Vec<_> = locks
        .filter(|event| event.kind == EventKind::SignInLocked)
        .map(|event| event.user_id)
        .collect();
    let ann = fixture.backend.users()[0].id;
    assert_eq!(locks, [Some(ann), None], "one event for each lock");
}

#[tokio::test]
async fn five_hundred_guesses_at_once_are_ten() {
    let fixture = Fixture::new().await;
    let all = (0..500).map(|_| fixture.sign_in("ann@example.com", "wrong"));
    let all = futures::future::join_all(all).await;
    let compared = all.iter().filter(|(status, _)| *status == 401).count();
    let hashes = fixture.backend.trace().into_iter();
    let hashes = hashes.filter(|call| *call == "hasher.verify").count();
    assert_eq!((compared, hashes), (10, 10));
    assert_eq!(all.iter().filter(|(status, _)| *status == 429).count(), 490);
}

#[tokio::test]
async fn a_lock_ends_and_the_next_lasts_longer() {
    let fixture = Fixture::new().await;
    for _ in 0..10 {
        guess(&fixture, "ann@example.com", "wrong").await;
    }
    for wait in [30, 60, 120] {
        fixture
            .backend
            .advance(Duration::from_millis(wait * 1000 - 1));
        assert_eq!(guess(&fixture, "ann@example.com", PASSWORD).await.0, 429);
        fixture.backend.advance(Duration::from_millis(1));
        assert_eq!(guess(&fixture, "ann@example.com", "wrong").await.0, 401);
    }
    fixture.backend.advance(Duration::from_mins(4));
    assert_eq!(guess(&fixture, "ann@example.com", PASSWORD).await.0, 201);
    for _ in 0..10 {
        let wrong = guess(&fixture, "ann@example.com", "wrong").await;
        assert_eq!(wrong.0, 401, "the right one cleared the count");
    }
}

/// One's own account is no way to guess at others without end.
#[tokio::test]
async fn a_place_has_its_own_limit_which_a_right_guess_does_not_clear() {
    let fixture = Fixture::new().await;
    for number in 0..100 {
        assert_eq!(guess(&fixture, "ann@example.com", PASSWORD).await.0, 201);
        let other = format!("nobody{number}@example.com");
        assert_eq!(guess(&fixture, &other, "wrong").await.0, 401);
    }
    let refused = guess(&fixture, "ann@example.com", PASSWORD).await;
    assert_eq!(refused.0, 429);
    fixture.backend.advance(Duration::from_mins(1));
    assert_eq!(guess(&fixture, "ann@example.com", PASSWORD).await.0, 201);
}
