//! From a template to a sent mail.

use std::time::Duration;

use domain::{
    DomainEvent, Email, OneTimeToken, Result, TokenPurpose, User, mail::Mail, token::TokenBinding,
};

use super::{Link, Links, MailBranding, MailLedger, MailTemplate};

/// Writes mails and sends them.
pub struct MailService {
    /// Sends each mail once.
    pub ledger: MailLedger,
    pub links: Links,
    /// What all mails share.
    pub branding: MailBranding,
}

impl MailService {
    /// Sends `template` about `user` to `address` because of `event`, once however often the event comes.
    /// A template that is about a link is not sent if the link is void by now. `remaining` is how long
    /// this worker may still run.
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
            Some(purpose) => self.token(purpose, user, address, event).await?,
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

    /// The token in the mail; none if `address` is not the one it would prove.
    async fn token(
        &self,
        purpose: TokenPurpose,
        user: &User,
        address: &Email,
        event: &DomainEvent,
    ) -> Result<Option<OneTimeToken>> {
        match TokenBinding::of(user, purpose) {
            Some(binding) if binding.address == *address => {
                self.links.issue(purpose, user.id, &binding, event).await
            }
            _ => Ok(None),
        }
    }
}
