//! Mails which anybody may ask for, for any address.

use std::{sync::Arc, time::Duration};

use domain::{
    DomainEvent, Email, LoginKey, Result, User,
    request::{AnonymousRequest, RequestKind},
    user::Standing,
};

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
    /// Sends `template` to the active user with the address of the event's request, if there is one and
    /// `wanted` allows it; once however often the event comes. Then removes the request.
    pub async fn answer(
        &self,
        event: &DomainEvent,
        remaining: Duration,
        template: MailTemplate,
        wanted: impl Fn(&RequestKind, &User) -> bool,
    ) -> Result<()> {
        let Some(request) = self.request(event).await? else {
            return Ok(());
        };
        let user = self.active_user(&request.email).await?;
        if let Some(user) = user.filter(|user| wanted(&request.kind, user)) {
            let letter = Letter {
                template,
                recipient: Recipient::User(&user),
                address: &user.email,
                event,
                // Counted when the request came, for every address alike: a tally of mails would tell
                // which addresses have accounts.
                client_ip: None,
            };
            self.mail_service.send(letter, remaining).await?;
        }
        self.requests.remove(request.id).await
    }

    async fn request(&self, event: &DomainEvent) -> Result<Option<AnonymousRequest>> {
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
        // Between the two reads the address may have moved on. An invitation is answered by its own link.
        let may_ask = |user: &User| user.active && user.standing != Standing::Invited;
        Ok(user.filter(|user| may_ask(user) && user.email == *email))
    }
}
