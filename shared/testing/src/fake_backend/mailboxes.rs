//! The mailboxes of a [`FakeBackend`].

use application::ports::{Clock as _, Mailboxes};
use async_trait::async_trait;
use domain::{
    DomainEvent, Email, Result, Timestamp,
    mail::{MailOutcome, Mailbox},
};

use super::FakeBackend;

#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    mailbox: Mailbox,
    cleared_at: Option<Timestamp>,
}

impl FakeBackend {
    /// The mail service reports what became of a mail to `email` just now.
    pub async fn report(&self, email: &Email, outcome: MailOutcome) {
        let noted = self.note(email, outcome, self.now()).await;
        noted.expect("no fault is set");
    }
}

#[async_trait]
impl Mailboxes for FakeBackend {
    async fn find(&self, email: &Email) -> Result<Mailbox> {
        self.call("mailboxes.find", |state| {
            let known = state.mailboxes.get(&email.digest());
            Ok(known.map_or_else(Mailbox::default, |known| known.mailbox))
        })
        .await
    }

    async fn note(&self, email: &Email, outcome: MailOutcome, at: Timestamp) -> Result<()> {
        self.call("mailboxes.note", |state| {
            let known = state.mailboxes.entry(email.digest()).or_default();
            let is_news = known.cleared_at.is_none_or(|cleared| cleared < at);
            let mailbox = &mut known.mailbox;
            match outcome {
                MailOutcome::Delivered => {
                    if mailbox.bounced_at.is_some_and(|bounced| bounced < at) {
                        mailbox.bounced_at = None;
                        known.cleared_at = Some(at);
                    }
                }
                MailOutcome::Bounced if is_news => {
                    mailbox.bounced_at = mailbox.bounced_at.max(Some(at));
                }
                MailOutcome::Complained if is_news => {
                    mailbox.complained_at = mailbox.complained_at.max(Some(at));
                }
                MailOutcome::Bounced | MailOutcome::Complained => {}
            }
            Ok(())
        })
        .await
    }

    async fn lift(&self, email: &Email, event: &DomainEvent) -> Result<()> {
        self.call("mailboxes.lift", |state| {
            let known = state.mailboxes.get_mut(&email.digest());
            let suppressed = known.filter(|known| known.mailbox.suppression().is_some());
            if let Some(known) = suppressed {
                known.mailbox = Mailbox::default();
                known.cleared_at = Some(event.time);
                state.remember(event);
            }
            Ok(())
        })
        .await
    }
}
