//! The use case: a user asks for another address.

use shared::{
    application::{
        reauthentication::Reauthentication,
        user_updates::{Changing, Target},
    },
    domain::{
        Email, Error, LoginKey, Password, Refusal, Result, User, change::Occasion,
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
    pub changing: Changing,
}

/// A wish for another address.
#[derive(Debug)]
pub struct Command {
    /// Who wishes.
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
    /// `InvalidCredentials` if the password is wrong, `TooManyRequests` if it was guessed too often; `EmailTaken` if somebody has the address, but
    /// never under the concealed policy: there the calls are the same for every address;
    /// `VersionConflict` if the password changed meanwhile.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Command {
            target,
            email,
            password,
        } = command;
        let user = self.changing.load(&target).await?;
        self.reauthentication
            .verify(&user, &password, &target.origin)
            .await?;
        let concealed = self.policy == SignUpPolicy::Concealed;
        if !concealed && self.is_taken(&email).await? {
            return Err(Refusal::EmailTaken.into());
        }
        let epoch = user.auth_epoch;
        let request = |user: &User, occasion: &Occasion| {
            if user.auth_epoch != epoch {
                return Err(Refusal::VersionConflict.into());
            }
            match user.request_email(email.clone(), occasion) {
                // It is the user's own: nothing to do, and nothing to tell.
                Err(Error::Refused(Refusal::EmailTaken)) if concealed => Ok(None),
                change => change.map(Some),
            }
        };
        self.changing
            .change_loaded(user, &target, request)
            .await
            .map(|_| ())
    }

    async fn is_taken(&self, email: &Email) -> Result<bool> {
        let key = LoginKey::Email(email.clone());
        Ok(self.changing.users.find_login(&key).await?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use shared::{
        domain::{EventKind, Origin, Version},
        lambda::http::{Access, Call, Reply},
    };
    use testing::{
        Fault, PASSWORD, World,
        fixture::{Answer, Route, Stage},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(world: &Arc<World>, policy: SignUpPolicy) -> ChangeEmail {
        ChangeEmail {
            policy,
            reauthentication: Reauthentication {
                users: world.clone(),
                hasher: world.clone(),
                throttle: world.sign_in_throttle(10),
            },
            changing: Changing {
                users: world.clone(),
                circumstances: world.circumstances(),
            },
        }
    }

    fn route(
        policy: SignUpPolicy,
    ) -> Route<ChangeEmail, impl AsyncFn(Arc<ChangeEmail>, Call) -> Reply> {
        Route {
            access: handler::ACCESS,
            service: match policy {
                SignUpPolicy::Open => |world| service(world, SignUpPolicy::Open),
                SignUpPolicy::Concealed => |world| service(world, SignUpPolicy::Concealed),
                SignUpPolicy::Admin => |world| service(world, SignUpPolicy::Admin),
            },
            handle: handler::handle,
        }
    }

    fn sample(id: &str, body: &Value) -> Sample {
        Sample::new("PUT", &format!("/users/{id}/email"))
            .parameter("id", id)
            .json(body)
    }

    fn wish(email: &str) -> Value {
        json!({"email": email, "password": PASSWORD})
    }

    /// Ann asks for another address.
    async fn put(stage: &Stage, policy: SignUpPolicy, body: &Value) -> Answer {
        stage.world.clear_trace();
        let request = sample("me", body).bearer(&stage.ann.token);
        route(policy).answer(&stage.world, request).await.unwrap()
    }

    fn ann(stage: &Stage) -> User {
        stage.world.user(stage.ann.id).unwrap()
    }

    const OPEN: SignUpPolicy = SignUpPolicy::Open;

    #[tokio::test]
    async fn only_the_owner_may() {
        let request = |_, id: &str| sample(id, &wish("new@example.com"));
        let route = route(OPEN);
        route.admits(Access::Owner, 202, request).await.unwrap();
    }

    #[tokio::test]
    async fn a_wish_waits_until_the_address_is_proven() {
        let stage = Stage::set().await.unwrap();
        let answer = put(&stage, OPEN, &wish("New@example.com")).await;
        assert_eq!(
            (answer.status, answer.body),
            (202, json!({"status": "accepted"}))
        );
        let calls = stage.world.trace();
        let hashes = calls.iter().filter(|call| call.starts_with("hasher."));
        assert_eq!(hashes.count(), 1, "{calls:?}");
        let ann = ann(&stage);
        assert_eq!(ann.email.as_str(), "ann@example.com");
        assert_eq!(ann.pending_email.unwrap().as_str(), "new@example.com");
        let event = stage.world.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserEmailChangeRequested);
        assert!(!event.to_cloud_event().to_string().contains("new@"));
    }

    #[tokio::test]
    async fn a_token_without_the_password_is_not_enough() {
        let stage = Stage::set().await.unwrap();
        for email in ["new@example.com", "bob@example.com"] {
            let body = json!({"email": email, "password": "wrong"});
            let answer = put(&stage, OPEN, &body).await;
            assert_eq!(answer.problem(), (401, "invalid-credentials"));
        }
        assert_eq!(ann(&stage).version, Version::FIRST);
    }

    #[tokio::test]
    async fn a_taken_address_is_told_unless_it_is_concealed() {
        let stage = Stage::set().await.unwrap();
        for policy in [OPEN, SignUpPolicy::Admin] {
            for taken in ["bob@example.com", "ann@example.com"] {
                let answer = put(&stage, policy, &wish(taken)).await;
                assert_eq!(answer.problem(), (409, "email-taken"));
            }
        }
        let mut outcomes = Vec::new();
        for email in ["bob@example.com", "free@example.com"] {
            let answer = put(&stage, SignUpPolicy::Concealed, &wish(email)).await;
            outcomes.push((answer.status, answer.body, stage.world.trace()));
        }
        assert_eq!(outcomes[0].0, 202);
        assert_eq!(outcomes[0], outcomes[1]);
        let own = put(&stage, SignUpPolicy::Concealed, &wish("ann@example.com")).await;
        assert_eq!(own.status, 202);
        let pending = ann(&stage).pending_email.unwrap();
        assert_eq!(
            pending.as_str(),
            "free@example.com",
            "one's own address is no wish"
        );
    }

    #[tokio::test]
    async fn wrong_fields_and_versions_are_told() {
        let stage = Stage::set().await.unwrap();
        let answer = put(&stage, OPEN, &json!({"email": "x", "name": 1})).await;
        let fields: Vec<_> = answer.wrong_fields();
        assert_eq!(
            fields,
            [
                ("/email", "invalid-email"),
                ("/password", "required"),
                ("/name", "unknown-field")
            ]
        );
        let request = sample("me", &wish("new@example.com"))
            .bearer(&stage.ann.token)
            .header("if-match", "\"2\"");
        let answer = route(OPEN).answer(&stage.world, request).await.unwrap();
        assert_eq!(answer.problem(), (412, "precondition-failed"));
    }

    #[tokio::test]
    async fn a_wish_survives_every_fault() {
        let tried = World::try_every_fault(async |fault: Fault| {
            let stage = Stage::set().await.unwrap();
            let (world, before) = (&stage.world, stage.world.outbox().len() as u64);
            let service = service(world, OPEN);
            let command = || Command {
                target: Target {
                    id: stage.ann.id,
                    expected: None,
                    origin: Origin::system("test"),
                },
                email: "new@example.com".parse().unwrap(),
                password: Password::presented(PASSWORD),
            };
            let (_, fired) = world.with_fault(fault, service.execute(command())).await;
            service.execute(command()).await.unwrap();
            let ann = ann(&stage);
            assert_eq!(ann.email.as_str(), "ann@example.com", "{fault:?}");
            assert_eq!(ann.pending_email.unwrap().as_str(), "new@example.com");
            let events = world.outbox().len() as u64 - before;
            assert_eq!(ann.version.get(), 1 + events, "one event for each version");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 9, "nine calls, each with four faults");
    }
}
