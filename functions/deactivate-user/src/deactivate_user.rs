//! The use case: a user may no longer sign in.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::{Result, User},
};

pub struct DeactivateUser {
    pub updates: UserUpdates,
}

impl DeactivateUser {
    /// Returns the changed user.
    ///
    /// # Errors
    /// `NotFound`, `PreconditionFailed`, `AlreadyDeactivated`, `LastAdministrator`.
    pub async fn execute(&self, target: &Target) -> Result<User> {
        self.updates
            .update(target, |user, metadata| user.deactivate(metadata).map(Some))
            .await
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{EventKind, Refusal},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("POST", "/users/{id}/deactivate");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| DeactivateUser {
            updates: backend.user_updates(),
        })
        .request(request, 200)
        .done_again(&Refusal::AlreadyDeactivated)
    }

    #[tokio::test]
    async fn administrators_may() {
        endpoint().admits(Access::ADMIN.recent()).await;
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        endpoint().refuses_a_stale_version().await;
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        endpoint().keeps_the_last_administrator().await;
    }

    #[tokio::test]
    async fn a_deactivation_survives_every_fault() {
        let is_done = async |fixture: &Fixture| !fixture.ann().active;
        let calls = endpoint().survives_every_fault(is_done).await;
        assert_eq!(calls[3..], ["users.find", "users.commit"]);
    }

    #[tokio::test]
    async fn a_deactivated_user_is_shut_out_at_once() {
        let fixture = Fixture::new().await;
        let answer = endpoint().send(&fixture).await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")));
        assert_eq!(answer.body["active"], false);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserDeactivated);
        let session = fixture.backend.sessions_of(fixture.ann.id).remove(0);
        let user = fixture.ann();
        assert!(user.auth_epoch > session.auth_epoch, "the session ended");

        let again = endpoint().send(&fixture).await;
        assert_eq!(again.problem(), (409, "already-deactivated"));
        assert_eq!(fixture.ann(), user);
    }
}
