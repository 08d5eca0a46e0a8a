use serde_json::{Value, json};
use shared::{
    adapters::{jwt::Jwt, memory::World},
    domain::{EventKind, Password, Roles, User, UserId, user::NewUser},
    http::{Access, Gate, answer, reply, sample::Sample},
    ports::{PasswordHasher, SecretPurpose, TokenVerifier as _, UserRepository as _},
    secret::SharedSecret,
};

use super::*;
use crate::{handler, password::PasswordStrategy};

const PASSWORD: &str = "correct horse battery staple";

struct Fixture {
    world: Arc<World>,
    tokens: Arc<Jwt>,
    service: Arc<Authenticate>,
}

impl Fixture {
    /// A world in which Ann has an account.
    async fn new() -> Self {
        let world = World::new();
        let tokens = Arc::new(Jwt::new(world.clone(), world.circumstances(), "roster"));
        let password = PasswordStrategy {
            users: world.clone(),
            hasher: world.clone(),
            circumstances: world.circumstances(),
        };
        let secret = SharedSecret::new(SecretPurpose::Refresh, world.clone(), world.clone());
        let service = Arc::new(Authenticate {
            strategies: vec![Arc::new(password)],
            sessions: world.clone(),
            granting: Granting {
                tokens: tokens.clone(),
                refresh_secret: secret,
            },
            circumstances: world.circumstances(),
        });
        let occasion = world
            .circumstances()
            .occasion(Origin::system("test"))
            .unwrap();
        let hasher: &dyn PasswordHasher = world.as_ref();
        let new = NewUser {
            id: UserId::new(occasion.now, [7; 10]),
            email: "ann@example.com".parse().unwrap(),
            name: "Ann".parse().unwrap(),
            password: hasher.hash(&Password::presented(PASSWORD)).await.unwrap(),
            roles: Roles::new(),
        };
        world.commit(&User::create(new, &occasion)).await.unwrap();
        let fixture = Self {
            world,
            tokens,
            service,
        };
        // The first sign-in makes keys; what follows is warm.
        fixture.sign_in("ann@example.com", PASSWORD).await;
        fixture.world.clear_trace();
        fixture
    }

    async fn post(&self, body: &Value) -> (u16, Value) {
        let request = Sample::new("POST", "/sessions")
            .json(body)
            .into_request()
            .unwrap();
        let gate = Gate::open("");
        let response = answer(
            handler::ACCESS,
            &gate,
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
        self.post(&json!({"email": email, "password": password}))
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
    let event = fixture.world.outbox().pop().unwrap();
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
        let id = fixture.world.users()[0].id;
        fixture.world.tamper(id, |user| user.active = active);
        fixture.world.clear_trace();
        let answer = fixture.sign_in(email, password).await;
        answers.push((answer, fixture.world.trace()));
    }
    assert_eq!(answers[0].0.0, 401);
    assert_eq!(answers[0].0.1["code"], "invalid-credentials");
    assert_eq!(
        answers[0].1,
        ["users.find_login", "users.find", "hasher.verify"]
    );
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn a_warm_sign_in_makes_four_calls() {
    let fixture = Fixture::new().await;
    fixture.sign_in("ann@example.com", PASSWORD).await;
    assert_eq!(
        fixture.world.trace(),
        [
            "users.find_login",
            "users.find",
            "hasher.verify",
            "sessions.start"
        ]
    );
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
        let (status, problem) = fixture.post(&body).await;
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
    let id = fixture.world.users()[0].id;
    let gate = Gate::guarded("", fixture.tokens.clone(), fixture.world.clone());
    let knock = async |access: Access, token: &str, path_id: &str| {
        let request = Sample::new("GET", "/users/x")
            .bearer(token)
            .parameter("id", path_id)
            .into_request()
            .unwrap();
        let handle = async |_: Arc<()>, _| reply::json(lambda_http::http::StatusCode::OK, &());
        answer(access, &gate, Arc::new(()), &handle, request)
            .await
            .status()
            .as_u16()
    };
    let (own, other) = (
        id.to_string(),
        UserId::new(fixture.world.circumstances().clock.now(), [8; 10]).to_string(),
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
    fixture.world.tamper(id, |user| {
        user.roles.insert(shared::domain::Role::admin());
    });
    assert_eq!(knock(Access::Admin, &token, &other).await, 200);
    fixture.world.tamper(id, |user| user.auth_epoch += 1);
    assert_eq!(knock(Access::Caller, &token, &own).await, 401);
    fixture.world.tamper(id, |user| {
        user.auth_epoch -= 1;
        user.active = false;
    });
    assert_eq!(knock(Access::Caller, &token, &own).await, 401);
    fixture.world.tamper(id, |user| user.active = true);
    fixture.world.advance(std::time::Duration::from_mins(11));
    assert_eq!(knock(Access::Caller, &token, &own).await, 401, "expired");
}
