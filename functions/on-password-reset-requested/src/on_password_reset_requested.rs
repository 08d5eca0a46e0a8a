//! The use case: who asked for another password gets a link, if there is an account.

use std::time::Duration;

use shared::{
    application::mail::{MailTemplate, RequestResponder},
    domain::{DomainEvent, Result, request::RequestKind},
};

/// Mails links with which to choose another password.
pub struct OnPasswordResetRequested {
    /// Answers the requests.
    pub responder: RequestResponder,
}

impl OnPasswordResetRequested {
    /// Mails the link, once however often the event comes, and forgets the request. An address
    /// without an active account gets nothing.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        self.responder
            .answer(event, remaining, MailTemplate::PasswordReset, |kind, _| {
                *kind == RequestKind::PasswordReset
            })
            .await
    }
}

#[cfg(test)]
mod tests;
