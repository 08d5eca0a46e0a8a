//! The use case: an invitation counts no longer.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::Result,
};

pub struct WithdrawInvitation {
    pub updates: UserUpdates,
}

impl WithdrawInvitation {
    /// Erases the user who has not answered. The address is free.
    ///
    /// # Errors
    /// `NotFound` if the user is not there or not invited; `PreconditionFailed`.
    pub async fn execute(&self, target: &Target) -> Result<()> {
        self.updates
            .update(target, |user, metadata| {
                user.withdraw_invitation(metadata).map(Some)
            })
            .await
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{EventKind, Refusal, User, user::Standing},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest};

    use super::*;
    use crate::handler;

    /// Ann has not answered.
    fn endpoint() -> Endpoint {
        let request = TestRequest::new("DELETE", "/invitations/{id}");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            WithdrawInvitation {
                updates: backend.user_updates(),
            }
        })
        .given(async |fixture, request| {
            let invited = |ann: &mut User| ann.standing = Standing::Invited;
            fixture.backend.tamper(fixture.ann.id, invited);
            request
        })
        .request(request, 204)
        .done_again(&Refusal::NotFound)
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
    async fn a_withdrawal_survives_every_fault() {
        let is_done = async |fixture: &Fixture| fixture.backend.user(fixture.ann.id).is_none();
        let calls = endpoint().survives_every_fault(is_done).await;
        assert_eq!(calls[3..], ["users.find", "users.commit"]);
    }

    #[tokio::test]
    async fn the_user_is_erased() {
        let fixture = Fixture::new().await;
        assert_eq!(endpoint().send(&fixture).await.status, 204);
        assert_eq!(fixture.backend.user(fixture.ann.id), None);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserDeleted);
    }

    #[tokio::test]
    async fn who_answered_stays() {
        let fixture = Fixture::new().await;
        let settled = endpoint().given(async |_, request| request);
        let answer = settled.send(&fixture).await;
        assert_eq!(answer.problem(), (404, "not-found"));
        assert!(fixture.backend.user(fixture.ann.id).is_some());
    }
}
