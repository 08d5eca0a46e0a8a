use std::{sync::Arc, time::Duration};

use adapters::jwt::Jwt;
use shared::{
    application::{
        ports::{PasswordHasher, TokenVerifier as _},
        session_starter::SessionStarter,
        session_tokens::SessionTokens,
        sign_in::Strategies,
    },
    domain::{Actor, EventKind, Password, Role, User, UserId, sign_up::SignUpPolicy},
    lambda::http::{Access, Authenticator, CallerPorts, StatusCode, answer, response},
};
use testing::{Answer, Endpoint, FakeBackend, Fault, PASSWORD, TestRequest, Value, json};

use super::*;
use crate::{handler, oidc::OidcStrategy};

/// Sign-ins of one user an hour.
const SIGN_INS: usize = 200;

/// The use case over a backend, with a policy for whom providers send.
pub(crate) fn service(backend: &Arc<FakeBackend>, policy: SignUpPolicy) -> Authenticate {
    let password = backend.password_strategy();
    // The same, as in the function: the first sign-in loads the secret for both.
    let devices = password.devices.clone();
    let oidc = OidcStrategy {
        policy,
        providers: backend.clone(),
        rate_limiter: backend.sign_in_limiter(10),
        updates: backend.user_updates(),
    };
    Authenticate {
        strategies: Strategies {
            password: Arc::new(password),
            oidc: Arc::new(oidc),
        },
        session_starter: backend.session_starter(),
        devices,
        rate_limiter: backend.rate_limiter(),
        per_user: Limit::hourly(200),
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
        let tokens = Arc::new(Jwt::new(backend.clone(), backend.env(), "roster"));
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

#[tokio::test]
async fn after_ten_guesses_known_and_unknown_addresses_are_locked_alike() {
    let process = Process::new().await;
    let mut stories = Vec::new();
    for email in ["ann@example.com", "nobody@example.com"] {
        let mut story = Vec::new();
        // After ten wrong ones, the right password gets the same answer.
        for password in [["wrong"; 10].as_slice(), &[PASSWORD; 2]].concat() {
            process.backend.clear_trace();
            let answer = process.sign_in(email, password).await;
            let code = answer.body["code"].clone();
            story.push((answer.status, code, process.backend.trace()));
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
    let locks = process.backend.outbox().into_iter();
    let locks: Vec<_> = locks
        .filter(|event| event.kind == EventKind::SignInLocked)
        .map(|event| event.user_id)
        .collect();
    let ann = process.backend.users()[0].id;
    assert_eq!(locks, [Some(ann), None], "one event for each lock");
}

#[tokio::test]
async fn five_hundred_guesses_at_once_are_ten() {
    let process = Process::new().await;
    let all = (0..500).map(|_| process.sign_in("ann@example.com", "wrong"));
    let all = futures::future::join_all(all).await;
    let compared = all.iter().filter(|answer| answer.status == 401).count();
    let hashes = process.backend.trace().into_iter();
    let hashes = hashes.filter(|call| *call == "hasher.verify").count();
    assert_eq!((compared, hashes), (10, 10));
    assert_eq!(
        all.iter().filter(|answer| answer.status == 429).count(),
        490
    );
}

#[tokio::test]
async fn a_lock_ends_and_the_next_lasts_longer() {
    let process = Process::new().await;
    for _ in 0..10 {
        process.attempt("ann@example.com", "wrong").await;
    }
    for wait in [30, 60, 120] {
        process
            .backend
            .advance(Duration::from_millis(wait * 1000 - 1));
        assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 429);
        process.backend.advance(Duration::from_millis(1));
        assert_eq!(process.attempt("ann@example.com", "wrong").await, 401);
    }
    process.backend.advance(Duration::from_mins(4));
    assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 201);
    let wrong = process.attempt("ann@example.com", "wrong").await;
    assert_eq!(wrong, 401, "a right one need not be waited for");
    let wrong = process.attempt("ann@example.com", "wrong").await;
    assert_eq!(wrong, 429, "and it forgives strangers nothing");
}

/// The count tells strangers neither that an address has an account, nor that its owner came by.
#[tokio::test]
async fn strangers_do_not_see_the_owner_come_by() {
    for is_known in [false, true] {
        let process = Process::new().await;
        let mut stories = Vec::new();
        for email in ["ann@example.com", "nobody@example.com"] {
            let token = is_known.then_some(process.sign_in("ann@example.com", PASSWORD).await);
            let token = token.map(|answer| answer.body["deviceToken"].clone());
            let owner = async || {
                let mut body = json!({"email": "ann@example.com", "password": PASSWORD});
                if let Some(token) = &token {
                    body["deviceToken"] = token.clone();
                }
                assert_eq!(process.post(&body).await.status, 201);
            };
            let mut story = Vec::new();
            for _ in 0..9 {
                story.push(process.attempt(email, "wrong").await);
            }
            owner().await;
            for _ in 0..2 {
                story.push(process.attempt(email, "wrong").await);
            }
            process.backend.advance(Duration::from_secs(30));
            owner().await;
            for _ in 0..2 {
                story.push(process.attempt(email, "wrong").await);
            }
            process.backend.advance(Duration::from_hours(1));
            stories.push(story);
        }
        assert_eq!(stories[0], stories[1], "from a known device: {is_known}");
        assert_eq!(stories[0][9..], [401, 429, 401, 429]);
    }
}

impl Process {
    /// Signs in as Ann with a device token.
    async fn sign_in_from(&self, token: &Value, password: &str) -> Answer {
        let body = json!({
            "email": "ann@example.com", "password": password, "deviceToken": token,
        });
        self.post(&body).await
    }

    /// The token of a device from which Ann signed in.
    async fn device(&self) -> Value {
        let answer = self.sign_in("ann@example.com", PASSWORD).await;
        answer.body["deviceToken"].clone()
    }

    /// Uses up the guesses of strangers at Ann's password.
    async fn lock(&self) {
        while self.attempt("ann@example.com", "wrong").await == 401 {}
    }
}

#[tokio::test]
async fn strangers_do_not_lock_out_a_known_device() {
    let process = Process::new().await;
    let device = process.device().await;
    process.lock().await;
    assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 429);
    let answer = process.sign_in_from(&device, PASSWORD).await;
    assert_eq!(answer.status, 201);
    // The same device, known for longer.
    let again = answer.body["deviceToken"].clone();
    assert_eq!(process.sign_in_from(&again, PASSWORD).await.status, 201);
    assert_eq!(
        process.attempt("ann@example.com", PASSWORD).await,
        429,
        "what a known device knows is of no use to strangers"
    );
}

#[tokio::test]
async fn each_device_is_locked_alone_and_forgiven_alone() {
    let process = Process::new().await;
    let (phone, laptop) = (process.device().await, process.device().await);
    for _ in 0..9 {
        assert_eq!(process.sign_in_from(&phone, "wrong").await.status, 401);
    }
    assert_eq!(process.sign_in_from(&phone, PASSWORD).await.status, 201);
    for _ in 0..10 {
        assert_eq!(process.sign_in_from(&phone, "wrong").await.status, 401);
    }
    assert_eq!(process.sign_in_from(&phone, PASSWORD).await.status, 429);
    assert_eq!(process.sign_in_from(&laptop, PASSWORD).await.status, 201);
    assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 201);
}

#[tokio::test]
async fn a_void_device_token_counts_as_none() {
    let process = Process::new().await;
    let device = process.device().await;
    let hasher: &dyn PasswordHasher = process.backend.as_ref();
    let hash = hasher.hash(&Password::presented(PASSWORD)).await.unwrap();
    let ann = process.backend.users()[0].id;
    process.backend.add_user("bob@example.com").await;
    let of_bob = process.sign_in("bob@example.com", PASSWORD).await;
    let of_bob = of_bob.body["deviceToken"].clone();
    process.lock().await;
    for void in [of_bob, json!(""), json!("not a token")] {
        let refused = process.sign_in_from(&void, PASSWORD).await;
        assert_eq!(refused.problem(), (429, "too-many-requests"), "{void}");
    }
    assert_eq!(process.sign_in_from(&device, PASSWORD).await.status, 201);
    let reset = |ann: &User, metadata: &_| Ok(ann.reset_password(hash, metadata));
    process.backend.change(ann, reset).await;
    assert_eq!(process.sign_in_from(&device, PASSWORD).await.status, 429);
    let wrong = process.sign_in_from(&json!(7), PASSWORD).await;
    assert_eq!(wrong.invalid_fields(), [("/deviceToken", "wrong-type")]);
}

/// A device token must not tell whether an address has an account.
#[tokio::test]
async fn with_a_foreign_device_token_known_and_unknown_addresses_look_alike() {
    let process = Process::new().await;
    process.backend.add_user("bob@example.com").await;
    let of_bob = process.sign_in("bob@example.com", PASSWORD).await;
    let mut answers = Vec::new();
    for email in ["ann@example.com", "nobody@example.com"] {
        process.backend.clear_trace();
        let body = json!({
            "email": email, "password": "wrong", "deviceToken": of_bob.body["deviceToken"],
        });
        let answer = process.post(&body).await;
        answers.push((answer.status, answer.body, process.backend.trace()));
    }
    assert_eq!(answers[0], answers[1]);
    let calls = &answers[0].2;
    assert_eq!(
        calls[..3],
        ["users.find", "attempts.spend", "attempts.spend"]
    );
}

/// Otherwise a stranger asks for nothing whether the lock has ended.
#[tokio::test]
async fn polling_a_lock_costs_the_source() {
    let process = Process::new().await;
    process.lock().await;
    for number in 11..100 {
        let polled = process.attempt("ann@example.com", PASSWORD).await;
        assert_eq!(polled, 429, "{number}");
    }
    let other = process.attempt("nobody@example.com", "wrong").await;
    assert_eq!(other, 429, "a hundred in all");
}

/// Each writes a session, and events that are kept for ever.
#[tokio::test]
async fn right_sign_ins_have_a_limit_too() {
    let process = Process::new().await;
    let mut signed_in = 1;
    while process.attempt("ann@example.com", PASSWORD).await == 201 {
        signed_in += 1;
    }
    assert_eq!(signed_in, SIGN_INS);
    let sessions = process.backend.sessions_of(process.backend.users()[0].id);
    assert_eq!(sessions.len(), SIGN_INS);
    process.backend.advance(Duration::from_hours(1));
    assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 201);
}

/// Signing in to one's own account does not buy more guesses at others.
#[tokio::test]
async fn a_client_address_has_its_own_limit_which_a_right_guess_does_not_clear() {
    let process = Process::new().await;
    for number in 0..100 {
        assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 201);
        let other = format!("nobody{number}@example.com");
        assert_eq!(process.attempt(&other, "wrong").await, 401);
    }
    let refused = process.attempt("ann@example.com", PASSWORD).await;
    assert_eq!(refused, 429);
    process.backend.advance(Duration::from_mins(1));
    assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 201);
}
