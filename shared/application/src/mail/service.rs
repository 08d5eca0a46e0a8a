//! The mail_service: what becomes of a template.

use std::time::Duration;

use domain::{DomainEvent, Email, Result, User, mail::Mail};

use super::{Link, Links, MailBranding, MailLedger, MailTemplate};

/// Writes letters and sends them.
pub struct MailService {
    /// Sends each once.
    pub ledger: MailLedger,
    /// Makes what is in some of them.
    pub links: Links,
    /// What they look like.
    pub branding: MailBranding,
}

impl MailService {
    /// Sends the `template` about `user` that `event` calls for to `address`, once however often the
    /// event comes. A template that is about a link is not sent if the link is void by now.
    /// `remaining` is how long this worker may still run.
    ///
    /// # Errors
    /// If the mail was not sent, or if nobody knows; repeating the call is safe.
    pub async fn send(
        &self,
        template: MailTemplate,
        user: &User,
        address: &Email,
        event: &DomainEvent,
        remaining: Duration,
    ) -> Result<()> {
        // Under the lease: nobody else makes a token for this event meanwhile, and nobody does once
        // the mail is out.
        let mail = self.write(template, user, address, event);
        self.ledger
            .deliver(event.id, template, mail, remaining)
            .await
    }

    async fn write(
        &self,
        template: MailTemplate,
        user: &User,
        address: &Email,
        event: &DomainEvent,
    ) -> Result<Option<Mail>> {
        let token = match template.proves(user) {
            Some(purpose) => self.links.issue(purpose, user.id, address, event).await?,
            None => None,
        };
        if token.is_none() && template.is_about_a_link() {
            return Ok(None);
        }
        let link = token.map(|token| Link::new(&self.branding, &token));
        template
            .write(&self.branding, address, &user.name, link.as_ref())
            .map(Some)
    }
}
