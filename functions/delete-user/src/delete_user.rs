//! The use case: a user is erased.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::Result,
};

/// Erases users.
pub struct DeleteUser {
    pub updates: UserUpdates,
}

impl DeleteUser {
    /// Leaves a tombstone of the user and frees the address, in one transaction. What is kept
    /// elsewhere goes when `UserDeleted` is observed.
    ///
    /// # Errors
    /// `NotFound`, also the second time; `PreconditionFailed`; `LastAdministrator`.
    pub async fn execute(&self, target: &Target) -> Result<()> {
        self.updates
            .update(target, |user, metadata| Ok(Some(user.erase(metadata))))
            .await
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{EventKind, Refusal, Roles},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, Principal, TestRequest};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("DELETE", "/users/{id}");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| DeleteUser {
            updates: backend.user_updates(),
        })
        .request(request, 204)
        .sender(Principal::Admin)
        .done_again(&Refusal::NotFound)
    }

    #[tokio::test]
    async fn the_user_and_administrators_may() {
        endpoint().admits(Access::OWNER_OR_ADMIN.recent()).await;
    }

    #[tokio::test]
    async fn a_stale_version_erases_nobody() {
        endpoint().refuses_a_stale_version().await;
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        endpoint().keeps_the_last_administrator().await;
    }

    #[tokio::test]
    async fn an_erasure_survives_every_fault() {
        let is_done = async |fixture: &Fixture| fixture.backend.user(fixture.ann.id).is_none();
        let calls = endpoint().survives_every_fault(is_done).await;
        assert_eq!(calls[3..], ["users.find", "users.commit"]);
    }

    #[tokio::test]
    async fn an_erased_user_is_gone_and_the_address_free() {
        let fixture = Fixture::new().await;
        let by_herself = endpoint().sender(Principal::Owner);
        assert_eq!(by_herself.send(&fixture).await.status, 204);
        assert!(fixture.backend.user(fixture.ann.id).is_none());
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserDeleted);
        assert_eq!(event.user_id, Some(fixture.ann.id));

        let again = endpoint().send(&fixture).await;
        assert_eq!(again.problem(), (404, "not-found"));
        let again = by_herself.send(&fixture).await;
        assert_eq!(again.problem(), (401, "unauthenticated"));
        let newcomer = fixture.backend.sign_up("Ann", Roles::new()).await;
        assert_ne!(newcomer.id, fixture.ann.id);
    }
}
