//! The use case: somebody signs in with address and password.

use std::sync::Arc;

use shared::{
    domain::{
        Actor, Email, Login, LoginKey, Origin, Password, Refusal, Result, SessionId, User, UserId,
        session::{RefreshKey, RefreshToken, Session},
    },
    ports::{
        AccessToken, Circumstances, PasswordHasher, SessionRepository, TokenIssuer, UserRepository,
    },
    secret::SharedSecret,
};

/// RFC 8176: proven by password.
const METHOD: &str = "pwd";

/// Signs users in.
pub struct Authenticate {
    /// Where users and their logins are kept.
    pub users: Arc<dyn UserRepository>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// Compares passwords with hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Signs access tokens.
    pub tokens: Arc<dyn TokenIssuer>,
    /// Makes refresh tokens.
    pub refresh_secret: SharedSecret,
    /// Time and randomness.
    pub circumstances: Circumstances,
}

/// A sign-in.
#[derive(Debug)]
pub struct Command {
    /// Address.
    pub email: Email,
    /// Password.
    pub password: Password,
    /// The `iss` of the token.
    pub issuer: String,
    /// Who asks, and from where.
    pub origin: Origin,
}

/// What a user who signed in gets.
#[derive(Debug)]
pub struct SignedIn {
    /// For the API.
    pub access: AccessToken,
    /// For the next access token.
    pub refresh: RefreshToken,
    /// The user.
    pub user: User,
}

impl Authenticate {
    /// Starts a session.
    ///
    /// # Errors
    /// `InvalidCredentials` if the address is unknown, the password wrong or the account not active:
    /// the same calls are made and the same answer is given for all three.
    pub async fn execute(&self, command: Command) -> Result<SignedIn> {
        let key = LoginKey::Email(command.email);
        let login = self.users.find_login(&key).await?;
        let user = self.prove(login.as_ref(), &command.password).await?;
        let origin = Origin {
            actor: Actor::User(user.id),
            ..command.origin
        };
        let occasion = self.circumstances.occasion(origin)?;
        let id = SessionId::new(occasion.now, self.circumstances.entropy.bytes()?);
        let nonce = self.circumstances.entropy.token()?;
        let (session, event) = Session::start(id, nonce, &user, METHOD, &occasion);
        let key = RefreshKey::new(self.refresh_secret.get().await?.clone());
        // The token is signed while the table writes.
        let ((), access) = tokio::try_join!(
            self.sessions.start(&session, &event),
            self.tokens.issue(&command.issuer, &user, &session),
        )?;
        Ok(SignedIn {
            access,
            refresh: session.refresh_token(&key),
            user,
        })
    }

    /// The user whose password this is. An unknown address costs the same read and the same hash.
    async fn prove(&self, login: Option<&Login>, password: &Password) -> Result<User> {
        let id = match login {
            Some(login) => login.user_id,
            None => UserId::new(
                self.circumstances.clock.now(),
                self.circumstances.entropy.bytes()?,
            ),
        };
        let hash = login.and_then(|login| login.password.as_ref());
        let (user, proven) =
            tokio::try_join!(self.users.find(id), self.hasher.verify(password, hash))?;
        user.filter(|user| proven && user.active)
            .ok_or_else(|| Refusal::InvalidCredentials.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::{
        adapters::{jwt::Jwt, memory::World},
        domain::{EventKind, Roles, user::NewUser},
        http::{Access, Gate, answer, reply, sample::Sample},
        ports::{SecretPurpose, TokenVerifier as _},
    };

    use super::*;
    use crate::handler;

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
            let service = Arc::new(Authenticate {
                users: world.clone(),
                sessions: world.clone(),
                hasher: world.clone(),
                tokens: tokens.clone(),
                refresh_secret: SharedSecret::new(
                    SecretPurpose::Refresh,
                    world.clone(),
                    world.clone(),
                ),
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
        let (status, problem) = fixture
            .post(&json!({"strategy": "magic", "email": "ann"}))
            .await;
        let codes: Vec<_> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["code"].as_str().unwrap())
            .collect();
        assert_eq!(
            (status, codes),
            (422, vec!["unknown-strategy", "invalid-email", "required"])
        );
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
}
