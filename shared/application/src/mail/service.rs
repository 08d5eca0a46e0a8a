//! The post: what becomes of a letter.

use std::time::Duration;

use domain::{DomainEvent, Email, Result, User, mail::Mail};

use super::{Courier, Letter, Link, Links, Stationery};

/// Writes letters and sends them.
pub struct Post {
    /// Sends each once.
    pub courier: Courier,
    /// Makes what is in some of them.
    pub links: Links,
    /// What they look like.
    pub stationery: Stationery,
}

impl Post {
    /// Sends the `letter` about `user` that `event` calls for to `address`, once however often the
    /// event comes. A letter that is about a link is not sent if the link is void by now.
    /// `remaining` is how long this worker may still run.
    ///
    /// # Errors
    /// If the mail was not sent, or if nobody knows; repeating the call is safe.
    pub async fn send(
        &self,
        letter: Letter,
        user: &User,
        address: &Email,
        event: &DomainEvent,
        remaining: Duration,
    ) -> Result<()> {
        // Under the claim: nobody else makes a token for this event meanwhile, and nobody does once
        // the mail is out.
        let mail = self.write(letter, user, address, event);
        self.courier
            .deliver(event.id, letter, mail, remaining)
            .await
    }

    async fn write(
        &self,
        letter: Letter,
        user: &User,
        address: &Email,
        event: &DomainEvent,
    ) -> Result<Option<Mail>> {
        let token = match letter.proves(user) {
            Some(purpose) => self.links.issue(purpose, user.id, address, event).await?,
            None => None,
        };
        if token.is_none() && letter.is_about_a_link() {
            return Ok(None);
        }
        let link = token.map(|token| Link::new(&self.stationery, &token));
        letter
            .write(&self.stationery, address, &user.name, link.as_ref())
            .map(Some)
    }
}
