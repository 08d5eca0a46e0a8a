//! The use case: a user hears of what lets into the account.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{Letter, MailService, MailTemplate, Recipient},
        ports::{SessionRepository, UserRepository},
    },
    domain::{DomainEvent, EventKind, Result, User},
};

/// What a user is told of.
pub const KINDS: &[EventKind] = &[
    EventKind::UserPasswordChanged,
    EventKind::UserIdentityLinked,
    EventKind::UserIdentityUnlinked,
    EventKind::SessionStarted,
];

/// How long after the beginning of an account its first sign-in is nothing to tell of.
const BEGINNING: Duration = Duration::from_hours(24);

/// Tells users.
pub struct OnAccessChanged {
    /// Where users are kept: events hold no address.
    pub users: Arc<dyn UserRepository>,
    /// Tells if a sign-in is the first.
    pub sessions: Arc<dyn SessionRepository>,
    /// Sends the mail.
    pub mail_service: MailService,
}

impl OnAccessChanged {
    /// Tells the user at the present address, once however often the event comes. An erased user gets no
    /// notice.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        let (Some(template), Some(id)) = (template(event), event.user_id) else {
            return Ok(());
        };
        let Some(user) = self.users.find(id).await? else {
            return Ok(());
        };
        if template == MailTemplate::NewDevice && self.is_beginning(&user, event).await? {
            return Ok(());
        }
        let letter = Letter {
            template,
            recipient: Recipient::User(&user),
            address: &user.email,
            event,
            client_ip: None,
        };
        self.mail_service.send(letter, remaining).await
    }

    /// True if the sign-in is the first of a new account: its owner, who was just welcomed, has not had a
    /// device before.
    async fn is_beginning(&self, user: &User, event: &DomainEvent) -> Result<bool> {
        if user.created_at.plus(BEGINNING) <= event.time {
            return Ok(false);
        }
        let sessions = self.sessions.list(user.id).await?;
        let mut earlier = sessions
            .iter()
            .filter(|session| Some(session.id) < event.data.session_id);
        Ok(earlier.next().is_none())
    }
}

/// The notice which the event calls for, if it does.
fn template(event: &DomainEvent) -> Option<MailTemplate> {
    match event.kind {
        // Whoever chose the password by the link that proved the address is its first owner: there is
        // nobody else to be told.
        EventKind::UserPasswordChanged => {
            let proves = event.data.changed.iter().any(|it| it == "emailVerified");
            (!proves).then_some(MailTemplate::PasswordChanged)
        }
        EventKind::UserIdentityLinked => Some(MailTemplate::IdentityLinked),
        EventKind::UserIdentityUnlinked => Some(MailTemplate::IdentityUnlinked),
        EventKind::SessionStarted => event.data.new_device.then_some(MailTemplate::NewDevice),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
