//! The use case: a person who has not answered is invited again.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::Result,
};

pub struct SendInvitation {
    pub updates: UserUpdates,
}

impl SendInvitation {
    /// Has the invitation mailed again, with a link of its own; the one before is void.
    ///
    /// # Errors
    /// `NotFound` if the user is not there or not invited; `PreconditionFailed`; `AlreadyDeactivated`;
    /// `TooManyRequests` within a minute, and after five times within an hour.
    pub async fn execute(&self, target: &Target) -> Result<()> {
        self.updates
            .update(target, |user, metadata| {
                user.invite_again(metadata).map(Some)
            })
            .await
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::{
        domain::{EventKind, Refusal, User, user::Standing},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest};

    use super::*;
    use crate::handler;

    /// Ann has not answered.
    fn endpoint() -> Endpoint {
        let request = TestRequest::new("POST", "/invitations/{id}/send");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| SendInvitation {
            updates: backend.user_updates(),
        })
        .given(async |fixture, request| {
            let invited = |ann: &mut User| ann.standing = Standing::Invited;
            fixture.backend.tamper(fixture.ann.id, invited);
            fixture.backend.advance(Duration::from_mins(1));
            request
        })
        .request(request, 202)
        .done_again(&Refusal::TooManyRequests(Duration::ZERO))
    }

    #[tokio::test]
    async fn support_and_administrators_may() {
        endpoint().admits(Access::SUPPORT.recent()).await;
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        endpoint().refuses_a_stale_version().await;
    }

    #[tokio::test]
    async fn a_second_sending_survives_every_fault() {
        let is_done = async |fixture: &Fixture| fixture.ann().auth_epoch == 1;
        let calls = endpoint().survives_every_fault(is_done).await;
        assert_eq!(calls[3..], ["users.find", "users.commit"]);
    }

    #[tokio::test]
    async fn it_is_sent_once_a_minute() {
        let fixture = Fixture::new().await;
        assert_eq!(endpoint().send(&fixture).await.status, 202);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserInvited);
        let no_wait = endpoint().given(async |_, request| request);
        let early = no_wait.send(&fixture).await;
        assert_eq!(early.problem(), (429, "too-many-requests"));
        assert_eq!(early.header("retry-after"), Some("60"));
        fixture.backend.advance(Duration::from_mins(1));
        assert_eq!(no_wait.send(&fixture).await.status, 202);
    }

    #[tokio::test]
    async fn who_answered_is_not_invited() {
        let fixture = Fixture::new().await;
        let settled = endpoint().given(async |_, request| request);
        let answer = settled.send(&fixture).await;
        assert_eq!(answer.problem(), (404, "not-found"));
    }

    #[tokio::test]
    async fn who_is_deactivated_is_reactivated_first() {
        let fixture = Fixture::new().await;
        let deactivated = endpoint().given(async |fixture, request| {
            let invited = |ann: &mut User| {
                ann.standing = Standing::Invited;
                ann.active = false;
            };
            fixture.backend.tamper(fixture.ann.id, invited);
            request
        });
        let answer = deactivated.send(&fixture).await;
        assert_eq!(answer.problem(), (409, "already-deactivated"));
    }
}
