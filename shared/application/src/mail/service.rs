//! From a template to a sent mail.

use std::{net::IpAddr, sync::Arc, time::Duration};

use domain::{
    DeploymentEpoch, DomainEvent, Email, Result, TokenPurpose, User, UserId, token::TokenBinding,
};

use super::{
    Link, Links, MailBranding, MailLedger, MailLimiter, MailTemplate,
    ledger::{Unsent, Written},
};
use crate::ports::Mailboxes;

/// Writes mails and sends them.
pub struct MailService {
    /// Sends each mail once.
    pub ledger: MailLedger,
    /// Counts mails.
    pub limiter: MailLimiter,
    /// Knows the addresses to which no mail may go.
    pub mailboxes: Arc<dyn Mailboxes>,
    pub links: Links,
    /// What all mails share.
    pub branding: MailBranding,
}

/// A mail to be sent.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    pub template: MailTemplate,
    pub recipient: Recipient<'a>,
    /// Where it goes.
    pub address: &'a Email,
    /// Why it is sent.
    pub event: &'a DomainEvent,
    /// Where the request came from, if it was made without an account; otherwise the event names who made
    /// it.
    pub client_ip: Option<IpAddr>,
}

/// Whom a mail is about.
#[derive(Clone, Copy)]
pub enum Recipient<'a> {
    User(&'a User),
    /// Somebody who signed up and becomes the user with this id by the link in the mail.
    SignUp(UserId),
}

impl Letter<'_> {
    pub(super) fn user(&self) -> Option<&User> {
        match self.recipient {
            Recipient::User(user) => Some(user),
            Recipient::SignUp(_) => None,
        }
    }

    /// True if the user has proven to read mail at the address.
    pub(super) fn is_proven(&self) -> bool {
        let reads = |user: &User| user.email_verified && user.email == *self.address;
        self.user().is_some_and(reads)
    }

    /// What the token in the mail is for, the id of the user, and what it is bound to. None if there is
    /// nothing that it could do, or if the address is not the one it would prove.
    fn binding(&self) -> Option<(TokenPurpose, UserId, TokenBinding)> {
        let purpose = self.template.proves(self.user())?;
        let (id, binding) = match self.recipient {
            Recipient::User(user) => (user.id, TokenBinding::of(user, purpose)?),
            Recipient::SignUp(id) => (id, TokenBinding::of_sign_up(self.address.clone())),
        };
        (binding.address == *self.address).then_some((purpose, id, binding))
    }
}

impl MailService {
    /// Sends `letter`, once however often its event comes. It is not sent if it is beyond a limit, to a
    /// suppressed address, or about a link that is void by now. `remaining` is how long this worker may still
    /// run. Returns false if a limit keeps it back.
    ///
    /// # Errors
    /// If the mail was not sent, or if nobody knows; repeating the call is safe.
    pub async fn try_send(&self, letter: Letter<'_>, remaining: Duration) -> Result<bool> {
        // Under the lease: nobody else counts this mail or makes a token for its event meanwhile, and
        // nobody does once it is out.
        let write = async |is_first| self.write(&letter, is_first).await;
        let (event, template) = (letter.event.id, letter.template);
        let delivered = self
            .ledger
            .deliver(event, template, write, remaining)
            .await?;
        Ok(!delivered.is_over_limit())
    }

    /// [`MailService::try_send`], where nothing depends on what came of it.
    ///
    /// # Errors
    /// As there.
    pub async fn send(&self, letter: Letter<'_>, remaining: Duration) -> Result<()> {
        self.try_send(letter, remaining).await.map(drop)
    }

    /// `is_first` is false if another worker had the mail before, which then has counted it.
    async fn write(&self, letter: &Letter<'_>, is_first: bool) -> Result<Written> {
        let template = letter.template;
        // Before it is counted: no mail leaves.
        let mailbox = self.mailboxes.find(letter.address).await?;
        if !mailbox.takes(template.is_about_a_link()) {
            tracing::warn!(metric = "MailSuppressed", mail = template.as_str());
            return Ok(Err(Unsent::Suppressed));
        }
        let binding = letter.binding();
        let due = match &binding {
            Some((purpose, id, binding)) => {
                self.links.due(*purpose, *id, binding, letter.event).await?
            }
            None => None,
        };
        if due.is_none() && template.is_about_a_link() {
            return Ok(Err(Unsent::NotCalledFor));
        }
        let seed = due.as_ref().map(|due| due.seed);
        // Whoever sends no links need not be able to read the ring.
        let epoch = match binding {
            Some(_) => self.links.secret.epoch().await?,
            None => DeploymentEpoch::FIRST,
        };
        if is_first && let Some(limit) = self.limiter.spend(letter, seed, epoch).await? {
            let (metric, mail) = (limit.metric(), template.as_str());
            tracing::warn!(metric, ?limit, mail, "a mail is beyond a limit");
            return Ok(Err(Unsent::OverLimit(limit)));
        }
        let token = match due {
            Some(due) => self.links.put(due).await?,
            None => None,
        };
        if token.is_none() && template.is_about_a_link() {
            return Ok(Err(Unsent::NotCalledFor));
        }
        let link = token.map(|token| Link::new(&self.branding, &token));
        // What a stranger has chosen must not be mailed to others in the product's name.
        let user = letter.user().filter(|_| letter.is_proven());
        let name = user.map(|user| &user.name);
        let at = letter.event.time;
        template
            .write(&self.branding, letter.address, name, at, link.as_ref())
            .map(Ok)
    }
}
