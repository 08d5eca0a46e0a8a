//! The use case: a user may sign in again.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::{Result, User},
};

pub struct ReactivateUser {
    pub updates: UserUpdates,
}

impl ReactivateUser {
    /// Returns the changed user.
    ///
    /// # Errors
    /// `NotFound`, `PreconditionFailed`, `AlreadyActive`.
    pub async fn execute(&self, target: &Target) -> Result<User> {
        self.updates
            .update(target, |user, metadata| user.reactivate(metadata).map(Some))
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
        let request = TestRequest::new("POST", "/users/{id}/reactivate");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| ReactivateUser {
            updates: backend.user_updates(),
        })
        .request(request, 200)
        .done_again(&Refusal::AlreadyActive)
    }

    /// Of Ann, who is inactive.
    fn of_inactive() -> Endpoint {
        endpoint().given(async |fixture, request| {
            let deactivate = |user: &User, metadata: &_| user.deactivate(metadata);
            fixture.backend.change(fixture.ann.id, deactivate).await;
            request
        })
    }

    /// Ann is active here: an inactive user cannot call at all. So the success is that she is active.
    #[tokio::test]
    async fn administrators_may() {
        let request = TestRequest::new("POST", "/users/{id}/reactivate");
        endpoint()
            .request(request, 409)
            .admits(Access::ADMIN.recent())
            .await;
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        of_inactive().refuses_a_stale_version().await;
    }

    #[tokio::test]
    async fn a_reactivation_survives_every_fault() {
        let is_done = async |fixture: &Fixture| fixture.ann().active;
        let calls = of_inactive().survives_every_fault(is_done).await;
        assert_eq!(calls[3..], ["users.find", "users.commit"]);
    }

    #[tokio::test]
    async fn a_reactivated_user_may_sign_in_but_old_sessions_stay_ended() {
        let fixture = Fixture::new().await;
        let answer = of_inactive().send(&fixture).await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"3\"")));
        assert_eq!(answer.body["active"], true);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserReactivated);
        let session = fixture.backend.sessions_of(fixture.ann.id).remove(0);
        let user = fixture.ann();
        assert!(user.auth_epoch > session.auth_epoch);

        let again = endpoint().send(&fixture).await;
        assert_eq!(again.problem(), (409, "already-active"));
        assert_eq!(fixture.ann(), user);
    }
}
