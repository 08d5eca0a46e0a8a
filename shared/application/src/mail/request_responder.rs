//! Mails which anybody may ask for, for any address.

use std::{sync::Arc, time::Duration};

use domain::{DomainEvent, Email, LoginKey, Result, User, request::AnonymousRequest};

use super::{Letter, MailService, MailTemplate, Recipient};
use crate::ports::{AnonymousRequests, UserRepository};

/// Answers anonymous requests by mail.
pub struct RequestResponder {
    /// Finds and removes the requests.
    pub requests: Arc<dyn AnonymousRequests>,
    /// Finds the user with the address.
    pub users: Arc<dyn UserRepository>,
    /// Sends the mail.
    pub mail_service: MailService,
}

impl RequestResponder {
    /// Sends the mail that `choose` picks to the active user with the address of `request`, if there is
    /// one; once however often the event comes. Then removes the request.
    pub async fn answer(
        &self,
        request: &AnonymousRequest,
        event: &DomainEvent,
        remaining: Duration,
        choose: impl Fn(&User) -> Option<MailTemplate>,
    ) -> Result<()> {
        let user = self.active_user(&request.email).await?;
        let chosen = user.and_then(|user| Some((choose(&user)?, user)));
        if let Some((template, user)) = chosen {
            let letter = Letter {
                template,
                recipient: Recipient::User(&user),
                address: &user.email,
                event,
                client_ip: request.source_address,
            };
            self.mail_service.send(letter, remaining).await?;
        }
        self.requests.remove_mail_request(request.id).await
    }

    /// The request that the event tells of, if it waits.
    pub async fn request(&self, event: &DomainEvent) -> Result<Option<AnonymousRequest>> {
        match event.data.request_id {
            Some(id) => self.requests.find(id).await,
            None => Ok(None),
        }
    }

    async fn active_user(&self, email: &Email) -> Result<Option<User>> {
        let key = LoginKey::Email(email.clone());
        let Some(login) = self.users.find_login(&key).await? else {
            return Ok(None);
        };
        let user = self.users.find(login.user_id).await?;
        // Between the two reads the address may have moved on.
        Ok(user.filter(|user| user.active && user.email == *email))
    }
}
