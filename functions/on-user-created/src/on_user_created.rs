//! The use case: a new user is welcomed.

use std::{sync::Arc, time::Duration};

use shared::{
    domain::{DomainEvent, EventKind, Result},
    mailing::{Courier, Letter, Stationery},
    ports::UserRepository,
};

/// Welcomes users.
pub struct OnUserCreated {
    /// Where users are kept: events hold no address.
    pub users: Arc<dyn UserRepository>,
    /// Sends the mail.
    pub courier: Courier,
    /// What mails look like.
    pub stationery: Stationery,
}

impl OnUserCreated {
    /// Sends the welcome mail, once however often the event comes. A user erased meanwhile gets none.
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
        let mail = Letter::Welcome.write(&self.stationery, &user.email, &user.name)?;
        self.courier
            .deliver(event.id, Letter::Welcome, &mail, remaining)
            .await
    }
}
