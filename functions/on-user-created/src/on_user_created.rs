//! The use case: a new user is welcomed.

use std::{net::IpAddr, sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{Letter, MailService, MailTemplate, Recipient},
        ports::UserRepository,
    },
    domain::{DomainEvent, EventKind, Result, UserId},
};

/// Welcomes users.
pub struct OnUserCreated {
    /// Where users are kept: events hold no address.
    pub users: Arc<dyn UserRepository>,
    /// Sends the mail.
    pub mail_service: MailService,
}

impl OnUserCreated {
    /// Sends the welcome mail, once however often the event comes. A user erased meanwhile gets none.
    /// With it comes a link that proves the address, unless it is proven already.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        let Some(id) = event
            .user_id
            .filter(|_| event.kind == EventKind::UserCreated)
        else {
            return Ok(());
        };
        let Some(user) = self.users.find(id).await? else {
            return Ok(());
        };
        let letter = Letter {
            template: MailTemplate::Welcome,
            recipient: Recipient::User(&user),
            address: &user.email,
            event,
            client_ip: self.client_ip(event, id).await?,
        };
        self.mail_service.send(letter, remaining).await
    }

    /// Where the sign-up came from.
    async fn client_ip(&self, event: &DomainEvent, id: UserId) -> Result<Option<IpAddr>> {
        let Some(version) = event.version else {
            return Ok(None);
        };
        let entry = self.users.history_entry(id, version).await?;
        let private = entry.and_then(|entry| entry.private);
        Ok(private.and_then(|private| private.source_address))
    }
}

#[cfg(test)]
mod tests;
