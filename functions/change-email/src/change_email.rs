//! The use case: a user asks for another address.

use shared::{
    application::{
        reauthentication::Reauthentication,
        user_updates::{Target, UserUpdates},
    },
    domain::{
        Email, Error, LoginKey, Password, Refusal, Result, User, event::EventMetadata,
        sign_up::SignUpPolicy,
    },
};

/// Notes that users want another address.
pub struct ChangeEmail {
    /// Whether a taken address is told.
    pub policy: SignUpPolicy,
    /// Compares passwords.
    pub reauthentication: Reauthentication,
    /// Changes users.
    pub updates: UserUpdates,
}

/// A request for another address.
#[derive(Debug)]
pub struct Command {
    /// Who asks.
    pub target: Target,
    /// The address.
    pub email: Email,
    /// The present password.
    pub password: Password,
}

impl ChangeEmail {
    /// Notes the address, which counts only once it is proven; an observer mails a link to it. Until
    /// then the old one works.
    ///
    /// # Errors
    /// `InvalidCredentials` if the password is wrong, `TooManyRequests` if it was guessed too often;
    /// `EmailTaken` if another user has the address, but never under the concealed policy: there the
    /// calls are the same for every address; `VersionConflict` if the password changed meanwhile.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Command {
            target,
            email,
            password,
        } = command;
        let user = self.updates.load(&target).await?;
        self.reauthentication
            .verify(&user, &password, &target.origin)
            .await?;
        let concealed = self.policy == SignUpPolicy::Concealed;
        if !concealed && self.is_taken(&email).await? {
            return Err(Refusal::EmailTaken.into());
        }
        let epoch = user.auth_epoch;
        let request = |user: &User, metadata: &EventMetadata| {
            if user.auth_epoch != epoch {
                return Err(Refusal::VersionConflict.into());
            }
            match user.request_email(email.clone(), metadata) {
                // It is the user's own: nothing to do, and nothing to tell.
                Err(Error::Refused(Refusal::EmailTaken)) if concealed => Ok(None),
                change => change.map(Some),
            }
        };
        self.updates
            .update_loaded(user, &target, request)
            .await
            .map(|_| ())
    }

    async fn is_taken(&self, email: &Email) -> Result<bool> {
        let key = LoginKey::Email(email.clone());
        Ok(self.updates.users.find_login(&key).await?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use shared::{
        domain::{EventKind, Origin, Version},
        lambda::http::{Access, Request, Response},
    };
    use testing::{
        FakeBackend, Fault, PASSWORD,
        fixture::{Answer, Fixture, Route},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(backend: &Arc<FakeBackend>, policy: SignUpPolicy) -> ChangeEmail {
        ChangeEmail {
            policy,
            reauthentication: Reauthentication {
                users: backend.clone(),
                hasher: backend.clone(),
                rate_limiter: backend.sign_in_limiter(10),
            },
            updates: UserUpdates {
                users: backend.clone(),
                env: backend.env(),
            },
        }
    }

    fn route(
        policy: SignUpPolicy,
    ) -> Route<ChangeEmail, impl AsyncFn(Arc<ChangeEmail>, Request) -> Response> {
        Route {
            access: handler::ACCESS,
            service: match policy {
                SignUpPolicy::Open => |backend| service(backend, SignUpPolicy::Open),
                SignUpPolicy::Concealed => |backend| service(backend, SignUpPolicy::Concealed),
                SignUpPolicy::Admin => |backend| service(backend, SignUpPolicy::Admin),
            },
            handle: handler::handle,
        }
    }

    fn sample(id: &str, body: &Value) -> Sample {
        Sample::new("PUT", &format!("/users/{id}/email"))
            .parameter("id", id)
            .json(body)
    }

    fn request(email: &str) -> Value {
        json!({"email": email, "password": PASSWORD})
    }

    /// Ann asks for another address.
    async fn put(fixture: &Fixture, policy: SignUpPolicy, body: &Value) -> Answer {
        fixture.backend.clear_trace();
        let request = sample("me", body).bearer(&fixture.ann.token);
        route(policy)
            .answer(&fixture.backend, request)
            .await
            .unwrap()
    }

    fn ann(fixture: &Fixture) -> User {
        fixture.backend.user(fixture.ann.id).unwrap()
    }

    const OPEN: SignUpPolicy = SignUpPolicy::Open;

    #[tokio::test]
    async fn only_the_owner_may() {
        let request = |_, id: &str| sample(id, &request("new@example.com"));
        let route = route(OPEN);
        route.admits(Access::Owner, 202, request).await.unwrap();
    }

    #[tokio::test]
    async fn a_wish_waits_until_the_address_is_proven() {
        let fixture = Fixture::new().await.unwrap();
        let answer = put(&fixture, OPEN, &request("New@example.com")).await;
        assert_eq!(
            (answer.status, answer.body),
            (202, json!({"status": "accepted"}))
        );
        let calls = fixture.backend.trace();
        let hashes = calls.iter().filter(|call| call.starts_with("hasher."));
        assert_eq!(hashes.count(), 1, "{calls:?}");
        let ann = ann(&fixture);
        assert_eq!(ann.email.as_str(), "ann@example.com");
        assert_eq!(ann.pending_email.unwrap().as_str(), "new@example.com");
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserEmailChangeRequested);
        assert!(!event.to_cloud_event().to_string().contains("new@"));
    }

    #[tokio::test]
    async fn a_token_without_the_password_is_not_enough() {
        let fixture = Fixture::new().await.unwrap();
        for email in ["new@example.com", "bob@example.com"] {
            let body = json!({"email": email, "password": "wrong"});
            let answer = put(&fixture, OPEN, &body).await;
            assert_eq!(answer.problem(), (401, "invalid-credentials"));
        }
        assert_eq!(ann(&fixture).version, Version::FIRST);
    }

    #[tokio::test]
    async fn a_taken_address_is_told_unless_it_is_concealed() {
        let fixture = Fixture::new().await.unwrap();
        for policy in [OPEN, SignUpPolicy::Admin] {
            for taken in ["bob@example.com", "ann@example.com"] {
                let answer = put(&fixture, policy, &request(taken)).await;
                assert_eq!(answer.problem(), (409, "email-taken"));
            }
        }
        let mut outcomes = Vec::new();
        for email in ["bob@example.com", "free@example.com"] {
            let answer = put(&fixture, SignUpPolicy::Concealed, &request(email)).await;
            outcomes.push((answer.status, answer.body, fixture.backend.trace()));
        }
        assert_eq!(outcomes[0].0, 202);
        assert_eq!(outcomes[0], outcomes[1]);
        let own = put(
            &fixture,
            SignUpPolicy::Concealed,
            &request("ann@example.com"),
        )
        .await;
        assert_eq!(own.status, 202);
        let pending = ann(&fixture).pending_email.unwrap();
        assert_eq!(
            pending.as_str(),
            "free@example.com",
            "one's own address is no request"
        );
    }

    #[tokio::test]
    async fn wrong_fields_and_versions_are_told() {
        let fixture = Fixture::new().await.unwrap();
        let answer = put(&fixture, OPEN, &json!({"email": "x", "name": 1})).await;
        let fields: Vec<_> = answer.wrong_fields();
        assert_eq!(
            fields,
            [
                ("/email", "invalid-email"),
                ("/password", "required"),
                ("/name", "unknown-field")
            ]
        );
        let request = sample("me", &request("new@example.com"))
            .bearer(&fixture.ann.token)
            .header("if-match", "\"2\"");
        let answer = route(OPEN).answer(&fixture.backend, request).await.unwrap();
        assert_eq!(answer.problem(), (412, "precondition-failed"));
    }

    #[tokio::test]
    async fn a_wish_survives_every_fault() {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let fixture = Fixture::new().await.unwrap();
            let (backend, before) = (&fixture.backend, fixture.backend.outbox().len() as u64);
            let service = service(backend, OPEN);
            let command = || Command {
                target: Target {
                    id: fixture.ann.id,
                    expected: None,
                    origin: Origin::system("test"),
                },
                email: "new@example.com".parse().unwrap(),
                password: Password::presented(PASSWORD),
            };
            let (_, fired) = backend.with_fault(fault, service.execute(command())).await;
            service.execute(command()).await.unwrap();
            let ann = ann(&fixture);
            assert_eq!(ann.email.as_str(), "ann@example.com", "{fault:?}");
            assert_eq!(ann.pending_email.unwrap().as_str(), "new@example.com");
            let events = backend.outbox().len() as u64 - before;
            assert_eq!(ann.version.get(), 1 + events, "one event for each version");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 9, "nine calls, each with four faults");
    }
}
