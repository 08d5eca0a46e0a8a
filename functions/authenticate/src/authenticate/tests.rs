mod limits;

use std::{sync::Arc, time::Duration};

use adapters::jwt::Jwt;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use shared::{
    application::{
        ports::{PasswordHasher, TokenVerifier as _},
        session_starter::SessionStarter,
        session_tokens::SessionTokens,
        sign_in::Strategies,
    },
    domain::{Actor, DomainEvent, EventKind, Password, Role, User, UserId, sign_up::SignUpPolicy},
    lambda::http::{Access, Authenticator, CallerPorts, StatusCode, answer, response},
};
use testing::{Answer, Endpoint, FakeBackend, Fault, PASSWORD, SIGN_INS, TestRequest, Value, json};

use super::*;
use crate::{handler, oidc::OidcStrategy};

/// The use case over a backend, with a policy for whom providers send.
pub(crate) fn service(backend: &Arc<FakeBackend>, policy: SignUpPolicy) -> Authenticate {
    let password = backend.password_strategy();
    // The same, as in the function: the first sign-in loads the secret for both.
    let devices = password.devices.clone();
    let oidc = OidcStrategy {
        policy,
        providers: backend.clone(),
        rate_limiter: backend.sign_in_limiter(10),
        sign_ups: backend.sign_up_limiter(),
        updates: backend.user_updates(),
    };
    Authenticate {
        audiences: "billing".parse().unwrap(),
        strategies: Strategies {
            password: Arc::new(password),
            oidc: Arc::new(oidc),
        },
        session_starter: backend.session_starter(),
        devices,
    }
}

/// A process that is warm, in which Ann has an account. Access tokens are real.
struct Process {
    backend: Arc<FakeBackend>,
    tokens: Arc<Jwt>,
    endpoint: Endpoint,
}

impl Process {
    async fn new() -> Self {
        let backend = FakeBackend::new();
        backend.add_user("ann@example.com").await;
        let tokens = Arc::new(Jwt::new(backend.known_ring(), backend.env(), "roster"));
        let session_tokens = SessionTokens {
            tokens: tokens.clone(),
            ..backend.session_tokens()
        };
        let session_starter = SessionStarter {
            session_tokens,
            ..backend.session_starter()
        };
        let service = Arc::new(Authenticate {
            session_starter,
            ..service(&backend, SignUpPolicy::Open)
        });
        let wire = move |_: &Arc<FakeBackend>| service.clone();
        let process = Self {
            endpoint: Endpoint::new(handler::ACCESS, handler::handle, wire),
            backend,
            tokens,
        };
        // The first sign-in makes the keys.
        process.sign_in("ann@example.com", PASSWORD).await;
        process.backend.clear_trace();
        process
    }

    async fn post(&self, body: &Value) -> Answer {
        let request = TestRequest::new("POST", "/sessions").json(body);
        let answer = self.endpoint.answer(&self.backend, request).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer
    }

    async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post(&json!({"email": email, "password": password}))
            .await
    }

    /// Empties the trace, signs in and returns the status.
    async fn attempt(&self, email: &str, password: &str) -> u16 {
        self.backend.clear_trace();
        self.sign_in(email, password).await.status
    }
}

#[tokio::test]
async fn the_right_password_starts_a_session() {
    let process = Process::new().await;
    let answer = process.sign_in(" Ann@Example.com", PASSWORD).await;
    let body = answer.body;
    assert_eq!(answer.status, 201);
    assert_eq!(
        (&body["tokenType"], &body["expiresIn"]),
        (&json!("Bearer"), &json!(600))
    );
    let token = body["accessToken"].as_str().unwrap();
    let claims = process
        .tokens
        .verify("https://api.example.com", token)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(json!(claims.user_id), body["user"]["id"]);
    assert_eq!(body["refreshToken"].as_str().unwrap().len(), 91);
    let event = process.backend.outbox().pop().unwrap();
    assert_eq!(
        (event.kind, event.data.session_id),
        (EventKind::SessionStarted, Some(claims.session_id))
    );
    assert_eq!(event.actor, Actor::User(claims.user_id));
}

#[tokio::test]
async fn a_token_for_another_service_opens_nothing_here() {
    let process = Process::new().await;
    let ask = |audience: &str| json!({"email": "ann@example.com", "password": PASSWORD, "audience": audience});
    let answer = process.post(&ask("billing")).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    let token = answer.body["accessToken"].as_str().unwrap();
    let claims = token.split('.').nth(1).unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = String::from_utf8(claims).unwrap().parse().unwrap();
    assert_eq!(
        (&claims["aud"], &claims["client_id"]),
        (&json!("billing"), &json!("roster"))
    );
    let here = process
        .tokens
        .verify("https://api.example.com", token)
        .await;
    assert!(here.unwrap().is_none());

    process.backend.clear_trace();
    let unknown = process.post(&ask("wages")).await;
    assert_eq!(
        unknown.invalid_fields(),
        [("/audience", "unknown-audience")]
    );
    assert!(
        process.backend.trace().is_empty(),
        "before a guess is spent"
    );
}

#[tokio::test]
async fn unknown_wrong_and_inactive_look_alike() {
    let process = Process::new().await;
    let mut answers = Vec::new();
    for (email, password, active) in [
        ("bob@example.com", PASSWORD, true),
        ("ann@example.com", "wrong", true),
        ("ann@example.com", PASSWORD, false),
    ] {
        let id = process.backend.users()[0].id;
        process.backend.tamper(id, |user| user.active = active);
        process.backend.clear_trace();
        let answer = process.sign_in(email, password).await;
        assert_eq!(answer.problem(), (401, "invalid-credentials"));
        answers.push((answer.body, process.backend.trace()));
    }
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
async fn a_warm_sign_in_makes_nine_calls() {
    let process = Process::new().await;
    process.sign_in("ann@example.com", PASSWORD).await;
    assert_eq!(
        process.backend.trace(),
        [
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "users.find",
            "hasher.verify",
            "attempts.spend",
            "sessions.start",
            "attempts.refund",
            "attempts.refund",
        ]
    );
}

#[tokio::test]
async fn a_right_password_is_not_counted_though_the_session_cannot_be_stored() {
    let process = Process::new().await;
    let sign_in = process.sign_in("ann@example.com", PASSWORD);
    let (answer, _) = process.backend.with_fault(Fault::Fail(6), sign_in).await;
    assert_eq!(answer.unwrap().status, 500);
    let calls = ["sessions.start", "attempts.refund", "attempts.refund"];
    assert_eq!(process.backend.trace()[6..], calls);
}

#[tokio::test]
async fn wrong_fields_are_pointed_at() {
    let process = Process::new().await;
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
        let answer = process.post(&body).await;
        let fields = answer.invalid_fields();
        let codes: Vec<_> = fields.into_iter().map(|(_, code)| code).collect();
        assert_eq!((answer.status, codes), (422, expected));
    }
}

#[tokio::test]
async fn a_token_opens_what_it_should_and_nothing_else() {
    let process = Process::new().await;
    let body = process.sign_in("ann@example.com", PASSWORD).await.body;
    let token = body["accessToken"].as_str().unwrap().to_owned();
    let id = process.backend.users()[0].id;
    let callers = CallerPorts {
        tokens: process.tokens.clone(),
        ..process.backend.callers()
    };
    let authenticator = Authenticator::guarded("", callers);
    let call = async |access: Access, token: &str, id: &str| {
        let request = TestRequest::new("GET", "/users/{id}").id(id).bearer(token);
        let handle = async |_: Arc<()>, _| response::json(StatusCode::OK, &());
        let answer = answer(
            access,
            &authenticator,
            Arc::new(()),
            &handle,
            request.into_raw(),
        );
        answer.await.status().as_u16()
    };
    let now = process.backend.env().clock.now();
    let (own, other) = (id.to_string(), UserId::new(now, [8; 10]).to_string());
    assert_eq!(call(Access::CALLER, &token, &own).await, 200);
    assert_eq!(call(Access::OWNER_OR_ADMIN, &token, &own).await, 200);
    assert_eq!(call(Access::OWNER_OR_ADMIN, &token, &other).await, 403);
    assert_eq!(call(Access::ADMIN, &token, &own).await, 403);
    // Another signature, another issuer, no token at all.
    assert_eq!(
        call(Access::CALLER, &token[..token.len() - 4], &own).await,
        401
    );
    assert!(
        process
            .tokens
            .verify("https://evil.example.com", &token)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(call(Access::CALLER, "", &own).await, 401);
    // Roles count as they are now; so do epoch and activity.
    process.backend.tamper(id, |user| {
        user.roles.insert(Role::admin());
    });
    assert_eq!(call(Access::ADMIN, &token, &other).await, 200);
    process.backend.tamper(id, |user| user.auth_epoch += 1);
    assert_eq!(call(Access::CALLER, &token, &own).await, 401);
    process.backend.tamper(id, |user| {
        user.auth_epoch -= 1;
        user.active = false;
    });
    assert_eq!(call(Access::CALLER, &token, &own).await, 401);
    process.backend.tamper(id, |user| user.active = true);
    process.backend.advance(Duration::from_mins(11));
    assert_eq!(call(Access::CALLER, &token, &own).await, 401, "expired");
}
