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
    /// Decides whether a taken address is answered by 409.
    pub policy: SignUpPolicy,
    /// Compares passwords.
    pub reauthentication: Reauthentication,
    pub updates: UserUpdates,
}

/// A request for another address.
#[derive(Debug)]
pub struct Command {
    /// Who asks.
    pub target: Target,
    /// The address.
    pub email: Email,
    /// The current password; none if another proof was given.
    pub password: Option<Password>,
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
        if let Some(password) = &password {
            self.reauthentication
                .verify(&user, password, &target.origin)
                .await?;
        }
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
    use shared::{
        domain::{EventKind, Version},
        lambda::http::Access,
    };
    use testing::{Answer, Endpoint, Fixture, PASSWORD, Principal, TestRequest, Value, json};

    use super::*;
    use crate::handler;

    const OPEN: SignUpPolicy = SignUpPolicy::Open;

    fn request(body: &Value) -> TestRequest {
        TestRequest::new("PUT", "/users/{id}/email").json(body)
    }

    fn wanting(email: &str) -> Value {
        json!({"email": email, "currentPassword": PASSWORD})
    }

    fn endpoint(policy: SignUpPolicy) -> Endpoint {
        Endpoint::new(handler::ACCESS, handler::handle, move |backend| {
            ChangeEmail {
                policy,
                reauthentication: backend.reauthentication(10),
                updates: backend.user_updates(),
            }
        })
        .request(request(&wanting("new@example.com")), 202)
    }

    /// Ann asks for another address.
    async fn put(fixture: &Fixture, policy: SignUpPolicy, body: &Value) -> Answer {
        endpoint(policy)
            .request(request(body), 202)
            .send(fixture)
            .await
    }

    #[tokio::test]
    async fn only_the_owner_may() {
        endpoint(OPEN)
            .admits(Access::OWNER.recent_or_password())
            .await;
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        endpoint(OPEN).refuses_a_stale_version().await;
    }

    /// A repetition asks once more: each request has its version and its event.
    #[tokio::test]
    async fn a_request_survives_every_fault() {
        let is_done = async |fixture: &Fixture| {
            let ann = fixture.ann();
            let events = fixture.backend.outbox().into_iter();
            let events =
                events.filter(|event| event.user_id == Some(ann.id) && event.version.is_some());
            ann.email.as_str() == "ann@example.com"
                && ann
                    .pending_email
                    .is_some_and(|email| email.as_str() == "new@example.com")
                && ann.version.get() == events.count() as u64
        };
        let endpoint = endpoint(OPEN).events(1..=2);
        let calls = endpoint.survives_every_fault(is_done).await;
        assert_eq!(calls[3..].len(), 9, "{calls:?}");
    }

    #[tokio::test]
    async fn the_new_address_waits_until_it_is_verified() {
        let fixture = Fixture::new().await;
        let answer = put(&fixture, OPEN, &wanting("New@example.com")).await;
        let accepted = json!({"status": "accepted"});
        assert_eq!((answer.status, answer.body), (202, accepted));
        let calls = fixture.backend.trace();
        let hashes = calls.iter().filter(|call| call.starts_with("hasher."));
        assert_eq!(hashes.count(), 1, "{calls:?}");
        let ann = fixture.ann();
        assert_eq!(ann.email.as_str(), "ann@example.com");
        assert_eq!(ann.pending_email.unwrap().as_str(), "new@example.com");
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserEmailChangeRequested);
        assert!(!event.to_cloud_event().to_string().contains("new@"));
    }

    #[tokio::test]
    async fn a_token_without_the_password_is_not_enough() {
        let fixture = Fixture::new().await;
        for email in ["new@example.com", "bob@example.com"] {
            let body = json!({"email": email, "currentPassword": "wrong"});
            let answer = put(&fixture, OPEN, &body).await;
            assert_eq!(answer.problem(), (401, "invalid-credentials"));
        }
        assert_eq!(fixture.ann().version, Version::FIRST);
    }

    #[tokio::test]
    async fn a_recent_sign_in_stands_for_the_password() {
        let fixture = Fixture::new().await;
        let body = json!({"email": "new@example.com"});
        let endpoint = endpoint(OPEN).request(request(&body), 202);
        let long_ago = endpoint.send_as(&fixture, Principal::OldOwner).await;
        assert_eq!(long_ago.problem(), (401, "recent-sign-in-required"));
        assert_eq!(fixture.ann().version, Version::FIRST);
        assert_eq!(endpoint.send(&fixture).await.status, 202);
        let ann = fixture.ann();
        assert_eq!(ann.pending_email.unwrap().as_str(), "new@example.com");
    }

    #[tokio::test]
    async fn a_taken_address_is_refused_unless_it_is_concealed() {
        let fixture = Fixture::new().await;
        for policy in [OPEN, SignUpPolicy::Admin] {
            for taken in ["bob@example.com", "ann@example.com"] {
                let answer = put(&fixture, policy, &wanting(taken)).await;
                assert_eq!(answer.problem(), (409, "email-taken"));
            }
        }
        let mut outcomes = Vec::new();
        for email in ["bob@example.com", "free@example.com"] {
            let answer = put(&fixture, SignUpPolicy::Concealed, &wanting(email)).await;
            outcomes.push((answer.status, answer.body, fixture.backend.trace()));
        }
        assert_eq!(outcomes[0].0, 202);
        assert_eq!(outcomes[0], outcomes[1]);
        let own = put(
            &fixture,
            SignUpPolicy::Concealed,
            &wanting("ann@example.com"),
        )
        .await;
        assert_eq!(own.status, 202);
        let pending = fixture.ann().pending_email.unwrap();
        assert_eq!(
            pending.as_str(),
            "free@example.com",
            "one's own address changes nothing"
        );
    }

    #[tokio::test]
    async fn wrong_fields_are_pointed_at() {
        let fixture = Fixture::new().await;
        let answer = put(&fixture, OPEN, &json!({"email": "x", "name": 1})).await;
        assert_eq!(
            answer.invalid_fields(),
            [("/email", "invalid-email"), ("/name", "unknown-field")]
        );
    }
}
