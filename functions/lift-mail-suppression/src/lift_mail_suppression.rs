//! The use case: an administrator lets mails go to a user's address again.

use std::sync::Arc;

use shared::{
    application::{
        ports::Mailboxes,
        user_updates::{Target, UserUpdates},
    },
    domain::{Result, mail::suppression_lifted},
};

pub struct LiftMailSuppression {
    /// Finds the user; the user does not change.
    pub updates: UserUpdates,
    pub mailboxes: Arc<dyn Mailboxes>,
}

impl LiftMailSuppression {
    /// Forgets that the user's address bounced or complained. Without either nothing changes.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `PreconditionFailed`.
    pub async fn execute(&self, target: &Target) -> Result<()> {
        let user = self.updates.load(target).await?;
        let metadata = self.updates.env.metadata(target.origin.clone())?;
        let event = suppression_lifted(user.id, &metadata);
        self.mailboxes.lift(&user.email, &event).await
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{Actor, EventKind, mail::MailOutcome},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest};

    use super::*;
    use crate::handler;

    /// Ann's address bounced, and she complained.
    fn endpoint() -> Endpoint {
        let request = TestRequest::new("DELETE", "/users/{id}/mail-suppression");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            LiftMailSuppression {
                updates: backend.user_updates(),
                mailboxes: backend.clone(),
            }
        })
        .request(request, 204)
        .given(async |fixture, request| {
            for outcome in [MailOutcome::Bounced, MailOutcome::Complained] {
                fixture.backend.report(&fixture.ann().email, outcome).await;
            }
            request
        })
    }

    async fn is_lifted(fixture: &Fixture) -> bool {
        let mailbox = Mailboxes::find(&*fixture.backend, &fixture.ann().email).await;
        mailbox.unwrap().suppression().is_none()
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
    async fn a_lift_survives_every_fault() {
        let calls = endpoint().survives_every_fault(is_lifted).await;
        assert_eq!(calls[3..], ["users.find", "mailboxes.lift"]);
    }

    #[tokio::test]
    async fn a_lift_is_told_once_and_only_if_there_was_a_suppression() {
        let fixture = Fixture::new().await;
        let before = fixture.backend.outbox().len();
        assert_eq!(endpoint().send(&fixture).await.status, 204);
        assert!(is_lifted(&fixture).await);
        let again = TestRequest::new("DELETE", "/users/{id}/mail-suppression")
            .id(&fixture.ann.id)
            .bearer(&fixture.admin.token);
        assert_eq!(endpoint().answer(&fixture.backend, again).await.status, 204);
        let events = fixture.backend.outbox().split_off(before);
        let [event] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(event.kind, EventKind::UserMailSuppressionLifted);
        assert_eq!(event.actor, Actor::User(fixture.admin.id));
        assert_eq!((event.user_id, event.version), (Some(fixture.ann.id), None));
    }
}
