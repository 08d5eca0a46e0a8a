//! The use case: a user no longer wants another address.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::Result,
};

pub struct WithdrawEmailChange {
    pub updates: UserUpdates,
}

impl WithdrawEmailChange {
    /// Forgets the pending address. Idempotent.
    ///
    /// # Errors
    /// `NotFound`, `PreconditionFailed`.
    pub async fn execute(&self, target: &Target) -> Result<()> {
        self.updates
            .update(target, |user, metadata| Ok(user.withdraw_email(metadata)))
            .await
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{EventKind, User},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest};

    use super::*;
    use crate::handler;

    /// Ann has asked for another address.
    fn endpoint() -> Endpoint {
        let request = TestRequest::new("DELETE", "/users/{id}/email");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            WithdrawEmailChange {
                updates: backend.user_updates(),
            }
        })
        .given(async |fixture, request| {
            let email = "new@example.com".parse().unwrap();
            let ask = |ann: &User, metadata: &_| ann.request_email(email, metadata);
            fixture.backend.change(fixture.ann.id, ask).await;
            request
        })
        .request(request, 204)
    }

    #[tokio::test]
    async fn only_the_owner_may() {
        endpoint().admits(Access::OWNER).await;
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        endpoint().refuses_a_stale_version().await;
    }

    #[tokio::test]
    async fn a_withdrawal_survives_every_fault() {
        let is_done = async |fixture: &Fixture| fixture.ann().pending_email.is_none();
        let calls = endpoint().survives_every_fault(is_done).await;
        assert_eq!(calls[3..], ["users.find", "users.commit"]);
    }

    #[tokio::test]
    async fn the_pending_address_is_forgotten_and_the_present_one_stays() {
        let fixture = Fixture::new().await;
        assert_eq!(endpoint().send(&fixture).await.status, 204);
        let ann = fixture.ann();
        assert_eq!(ann.email.as_str(), "ann@example.com");
        assert_eq!((ann.pending_email, ann.version.get()), (None, 3));
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserEmailChangeWithdrawn);
        assert_eq!(event.data.changed, ["pendingEmail"]);
    }

    #[tokio::test]
    async fn nothing_happens_if_no_address_is_pending() {
        let fixture = Fixture::new().await;
        let nothing_asked = endpoint().given(async |_, request| request);
        assert_eq!(nothing_asked.send(&fixture).await.status, 204);
        assert_eq!(fixture.ann().version.get(), 1);
    }
}
