//! The use case: a new user is welcomed.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{MailService, MailTemplate},
        ports::UserRepository,
    },
    domain::{DomainEvent, EventKind, Result},
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
        self.mail_service
            .send(MailTemplate::Welcome, &user, &user.email, event, remaining)
            .await
    }
}

#[cfg(test)]
mod tests;
