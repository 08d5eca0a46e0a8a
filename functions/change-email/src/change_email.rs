//! The use case: a user asks for another address.

use shared::{
    application::{
        rate_limit::RateLimiter,
        reauthentication::Reauthentication,
        user_updates::{Target, UserUpdates},
    },
    domain::{
        Email, LoginKey, Password, Refusal, Result, SessionId, User,
        attempt::{AttemptKey, Limit, Scope},
        device::Device,
        event::EventMetadata,
        sign_up::SignUpPolicy,
    },
};

/// Notes that users want another address.
pub struct ChangeEmail {
    /// Decides whether a taken address is answered by 409.
    pub policy: SignUpPolicy,
    /// Compares passwords.
    pub reauthentication: Reauthentication,
    /// Counts requests.
    pub rate_limiter: RateLimiter,
    pub updates: UserUpdates,
}

/// Requests of one user, an hour: each has two mails sent, or tells whether an address is taken.
const PER_USER: u32 = 10;

/// A request for another address.
#[derive(Debug)]
pub struct Command {
    /// Who asks.
    pub target: Target,
    /// The address.
    pub email: Email,
    /// The current password; none if another proof was given.
    pub password: Option<Password>,
    /// The session that asks.
    pub session_id: SessionId,
}

impl ChangeEmail {
    /// Notes the address, which counts only once it is proven; an observer mails a link to it. Until
    /// then the old one works. A user who asks for the present address takes the request back.
    ///
    /// # Errors
    /// `InvalidCredentials` if the password is wrong; `TooManyRequests` if it was guessed too often, or
    /// too many addresses were asked for; `AddressUnproven` if the present address is not proven;
    /// `EmailTaken` if another user has the new one, but only where anyone may sign up: elsewhere the
    /// calls are the same for every address; `VersionConflict` if the password changed meanwhile.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Command {
            target,
            email,
            password,
            session_id,
        } = command;
        let user = self.updates.load(&target).await?;
        if let Some(password) = &password {
            let device = Device::of_session(user.id, session_id);
            self.reauthentication
                .verify(&user, Some(device), password, &target.origin)
                .await?;
        }
        // After the proof: an access token that was stolen long ago must not use up what the user may ask.
        let user_key = AttemptKey::of_user(Scope::EmailChange, user.id);
        self.rate_limiter
            .acquire(&[(user_key, Limit::hourly(PER_USER))])
            .await?;
        let may_tell = self.policy == SignUpPolicy::Open && email != user.email;
        let is_taken = may_tell && self.is_taken(&email).await?;
        let epoch = user.auth_epoch;
        let request = |user: &User, metadata: &EventMetadata| {
            if user.auth_epoch != epoch {
                return Err(Refusal::VersionConflict.into());
            }
            if user.email == email {
                return Ok(user.withdraw_email(metadata));
            }
            let change = user.request_email(email.clone(), metadata)?;
            if is_taken {
                return Err(Refusal::EmailTaken.into());
            }
            Ok(Some(change))
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
                rate_limiter: backend.rate_limiter(),
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
    async fn who_has_not_proven_the_present_address_gets_no_other() {
        let fixture = Fixture::new().await;
        fixture
            .backend
            .tamper(fixture.ann.id, |ann| ann.email_verified = false);
        for policy in [OPEN, SignUpPolicy::Concealed] {
            for email in ["bob@example.com", "free@example.com"] {
                let answer = put(&fixture, policy, &wanting(email)).await;
                assert_eq!(answer.problem(), (403, "address-unproven"), "{email}");
            }
        }
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
        let answer = put(&fixture, OPEN, &wanting("bob@example.com")).await;
        assert_eq!(answer.problem(), (409, "email-taken"));
        for policy in [SignUpPolicy::Concealed, SignUpPolicy::Admin] {
            let mut outcomes = Vec::new();
            for email in ["bob@example.com", "free@example.com"] {
                let answer = put(&fixture, policy, &wanting(email)).await;
                outcomes.push((answer.status, answer.body, fixture.backend.trace()));
            }
            assert_eq!(outcomes[0].0, 202);
            assert_eq!(outcomes[0], outcomes[1]);
        }
    }

    #[tokio::test]
    async fn who_asks_for_the_present_address_takes_the_request_back() {
        for policy in [OPEN, SignUpPolicy::Admin, SignUpPolicy::Concealed] {
            let fixture = Fixture::new().await;
            let mistyped = put(&fixture, policy, &wanting("stranger@example.com")).await;
            for _ in 0..2 {
                let own = put(&fixture, policy, &wanting("Ann@Example.com")).await;
                assert_eq!((own.status, &own.body), (202, &mistyped.body));
                let ann = fixture.ann();
                assert_eq!((ann.pending_email, ann.version.get()), (None, 3));
            }
        }
    }

    #[tokio::test]
    async fn a_user_asks_so_often_an_hour_and_then_waits() {
        for policy in [OPEN, SignUpPolicy::Concealed] {
            let fixture = Fixture::new().await;
            let mut statuses = Vec::new();
            for _ in 0..=PER_USER {
                let answer = put(&fixture, policy, &wanting("bob@example.com")).await;
                statuses.push(answer.status);
            }
            let told = if policy == OPEN { 409 } else { 202 };
            let allowed = statuses.iter().filter(|status| **status == told);
            assert_eq!(allowed.count(), 10, "{statuses:?}");
            assert_eq!(statuses.last(), Some(&429));
        }
    }

    #[tokio::test]
    async fn who_does_not_know_the_password_uses_nothing_up() {
        let fixture = Fixture::new().await;
        let wrong = json!({"email": "new@example.com", "currentPassword": "wrong"});
        for _ in 0..9 {
            assert_eq!(put(&fixture, OPEN, &wrong).await.status, 401);
        }
        for _ in 0..PER_USER {
            let answer = put(&fixture, OPEN, &wanting("new@example.com")).await;
            assert_eq!(answer.status, 202);
        }
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
