//! The use case: a user asks for another address.

use std::sync::Arc;

use shared::{
    changing::Changing,
    domain::{
        Email, Error, LoginKey, Origin, Password, Refusal, Result, User, UserId, Version,
        sign_up::SignUpPolicy,
    },
    ports::PasswordHasher,
};

/// Notes that users want another address.
pub struct ChangeEmail {
    /// Whether a taken address is told.
    pub policy: SignUpPolicy,
    /// Compares passwords with hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Changes users.
    pub changing: Changing,
}

/// A wish for another address.
#[derive(Debug)]
pub struct Command {
    /// Who wishes.
    pub user_id: UserId,
    /// The address.
    pub email: Email,
    /// The present password.
    pub password: Password,
    /// At which version the user must be.
    pub expected: Option<Version>,
    /// Who asks, and from where.
    pub origin: Origin,
}

impl ChangeEmail {
    /// Notes the address, which counts only once it is proven; an observer mails a link to it. Until
    /// then the old one works.
    ///
    /// # Errors
    /// `InvalidCredentials` if the password is wrong; `EmailTaken` if somebody has the address, but
    /// never under the concealed policy: there the calls are the same for every address.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let user = self.prove(command.user_id, &command.password).await?;
        let concealed = self.policy == SignUpPolicy::Concealed;
        if !concealed && self.is_taken(&command.email).await? {
            return Err(Refusal::EmailTaken.into());
        }
        let request = |now: &User, occasion: &_| {
            if now.auth_epoch != user.auth_epoch {
                // The password was changed since it was compared.
                return Err(Refusal::InvalidCredentials.into());
            }
            match now.request_email(command.email.clone(), occasion) {
                // It is the user's own: nothing to do, and nothing to tell.
                Err(Error::Refused(Refusal::EmailTaken)) if concealed => Ok(None),
                change => change.map(Some),
            }
        };
        self.changing
            .change(command.user_id, command.expected, &command.origin, request)
            .await
            .map(|_| ())
    }

    /// The user, if this is the password.
    async fn prove(&self, id: UserId, password: &Password) -> Result<User> {
        let users = &self.changing.users;
        let user = users.find(id).await?.ok_or(Refusal::NotFound)?;
        let key = LoginKey::Email(user.email.clone());
        let login = users.find_login(&key).await?;
        let hash = login.as_ref().and_then(|login| login.password.as_ref());
        if self.hasher.verify(password, hash).await? {
            Ok(user)
        } else {
            Err(Refusal::InvalidCredentials.into())
        }
    }

    async fn is_taken(&self, email: &Email) -> Result<bool> {
        let key = LoginKey::Email(email.clone());
        Ok(self.changing.users.find_login(&key).await?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;
    use serde_json::{Value, json};
    use shared::{
        adapters::{
            jwt::Jwt,
            memory::{Fault, PASSWORD, World},
        },
        domain::{EventKind, Role, SessionId, session::Session},
        http::{Access, Gate, answer, sample::Sample},
        ports::{Clock as _, TokenIssuer as _, UserRepository as _},
    };

    use super::*;
    use crate::handler;

    /// A world in which Ann and Bob have accounts.
    struct Fixture {
        world: Arc<World>,
        jwt: Arc<Jwt>,
        ann: User,
        bob: User,
    }

    impl Fixture {
        async fn new() -> Self {
            let world = World::new();
            Self {
                jwt: Arc::new(Jwt::new(world.clone(), world.circumstances(), "roster")),
                ann: world.add_user("ann@example.com").await.unwrap(),
                bob: world.add_user("bob@example.com").await.unwrap(),
                world,
            }
        }

        fn service(&self, policy: SignUpPolicy) -> Arc<ChangeEmail> {
            Arc::new(ChangeEmail {
                policy,
                hasher: self.world.clone(),
                changing: Changing {
                    users: self.world.clone(),
                    circumstances: self.world.circumstances(),
                },
            })
        }

        fn ann_now(&self) -> User {
            let mut users = self.world.users().into_iter();
            users.find(|user| user.id == self.ann.id).unwrap()
        }

        async fn token(&self, user: &User) -> String {
            let occasion = self
                .world
                .circumstances()
                .occasion(Origin::system("test"))
                .unwrap();
            let id = SessionId::new(self.world.now(), [1; 10]);
            let (session, _) = Session::start(id, "nonce".to_owned(), user, "pwd", &occasion);
            let issuer = "https://api.example.com";
            let access = self.jwt.issue(issuer, user, &session).await.unwrap();
            access.token.expose_secret().to_owned()
        }

        /// Somebody with `token` asks for another address of Ann.
        async fn put(&self, policy: SignUpPolicy, token: &str, body: &Value) -> (u16, Value) {
            let path = format!("/users/{}/email", self.ann.id);
            let request = Sample::new("PUT", &path)
                .parameter("id", &self.ann.id.to_string())
                .bearer(token)
                .json(body)
                .into_request()
                .unwrap();
            let gate = Gate::guarded("", self.jwt.clone(), self.world.clone());
            self.world.clear_trace();
            let service = self.service(policy);
            let response = answer(handler::ACCESS, &gate, service, &handler::handle, request).await;
            let body = serde_json::from_slice(&response.body().to_vec()).unwrap_or(Value::Null);
            (response.status().as_u16(), body)
        }
    }

    fn wish(email: &str) -> Value {
        json!({"email": email, "password": PASSWORD})
    }

    fn code(answer: &(u16, Value)) -> (u16, &str) {
        (answer.0, answer.1["code"].as_str().unwrap_or_default())
    }

    const OPEN: SignUpPolicy = SignUpPolicy::Open;

    #[tokio::test]
    async fn a_wish_waits_until_the_address_is_proven() {
        let fixture = Fixture::new().await;
        let token = fixture.token(&fixture.ann).await;
        let answer = fixture.put(OPEN, &token, &wish("New@example.com")).await;
        assert_eq!(answer, (202, json!({"status": "accepted"})));
        let calls = fixture.world.trace();
        let hashes = calls.iter().filter(|call| **call == "hasher.verify");
        assert_eq!(hashes.count(), 1, "{calls:?}");
        let ann = fixture.ann_now();
        assert_eq!(ann.email, fixture.ann.email);
        assert_eq!(ann.pending_email.unwrap().as_str(), "new@example.com");
        let event = fixture.world.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserEmailChangeRequested);
        assert!(!event.to_cloud_event().to_string().contains("new@"));
    }

    #[tokio::test]
    async fn a_token_without_the_password_is_not_enough() {
        let fixture = Fixture::new().await;
        let token = fixture.token(&fixture.ann).await;
        for email in ["new@example.com", "bob@example.com"] {
            let body = json!({"email": email, "password": "wrong"});
            let answer = fixture.put(OPEN, &token, &body).await;
            assert_eq!(code(&answer), (401, "invalid-credentials"));
        }
        assert_eq!(fixture.ann_now(), fixture.ann);
    }

    #[tokio::test]
    async fn nobody_but_the_user_may() {
        let fixture = Fixture::new().await;
        assert_eq!(handler::ACCESS, Access::Owner);
        fixture.world.tamper(fixture.bob.id, |bob| {
            bob.roles.insert(Role::admin());
        });
        let other = fixture.token(&fixture.bob).await;
        let body = wish("new@example.com");
        assert_eq!(
            fixture.put(OPEN, &other, &body).await.0,
            403,
            "an administrator"
        );
        assert_eq!(fixture.put(OPEN, "", &body).await.0, 401);
    }

    #[tokio::test]
    async fn a_taken_address_is_told_unless_it_is_concealed() {
        let fixture = Fixture::new().await;
        let token = fixture.token(&fixture.ann).await;
        for policy in [OPEN, SignUpPolicy::Admin] {
            for taken in ["bob@example.com", "ann@example.com"] {
                let answer = fixture.put(policy, &token, &wish(taken)).await;
                assert_eq!(code(&answer), (409, "email-taken"));
            }
        }
        let mut outcomes = Vec::new();
        for email in ["bob@example.com", "free@example.com"] {
            let answer = fixture
                .put(SignUpPolicy::Concealed, &token, &wish(email))
                .await;
            outcomes.push((answer, fixture.world.trace()));
        }
        assert_eq!(outcomes[0].0.0, 202);
        assert_eq!(outcomes[0], outcomes[1]);
        let own = wish("ann@example.com");
        assert_eq!(
            fixture.put(SignUpPolicy::Concealed, &token, &own).await.0,
            202
        );
        let pending = fixture.ann_now().pending_email.unwrap();
        assert_eq!(
            pending.as_str(),
            "free@example.com",
            "one's own address is no wish"
        );
    }

    #[tokio::test]
    async fn wrong_fields_and_versions_are_told() {
        let fixture = Fixture::new().await;
        let token = fixture.token(&fixture.ann).await;
        let (status, problem) = fixture
            .put(OPEN, &token, &json!({"email": "x", "name": 1}))
            .await;
        let errors = problem["errors"].as_array().unwrap();
        let pointers: Vec<_> = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(
            (status, pointers),
            (422, vec!["/email", "/password", "/name"])
        );
        let stale = Command {
            expected: Some(fixture.ann.version.next()),
            ..command(&fixture)
        };
        let outcome = fixture.service(OPEN).execute(stale).await;
        assert!(matches!(
            outcome,
            Err(Error::Refused(Refusal::PreconditionFailed))
        ));
    }

    fn command(fixture: &Fixture) -> Command {
        Command {
            user_id: fixture.ann.id,
            email: "new@example.com".parse().unwrap(),
            password: Password::presented(PASSWORD),
            expected: None,
            origin: Origin::system("test"),
        }
    }

    #[tokio::test]
    async fn a_wish_survives_every_fault() {
        let tried = World::try_every_fault(async |fault: Fault| {
            let fixture = Fixture::new().await;
            let service = fixture.service(OPEN);
            let (_, fired) = fixture
                .world
                .with_fault(fault, service.execute(command(&fixture)))
                .await;
            service.execute(command(&fixture)).await.unwrap();
            let ann = fixture.ann_now();
            assert_eq!(ann.email, fixture.ann.email, "{fault:?}");
            assert_eq!(ann.pending_email.unwrap().as_str(), "new@example.com");
            let events = fixture.world.outbox().len() as u64 - 2;
            assert_eq!(ann.version.get(), 1 + events, "one event for each version");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 6, "six calls, each with four faults");
    }
}
