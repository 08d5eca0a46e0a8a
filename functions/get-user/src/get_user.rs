//! The use case: a caller reads a user.

use std::sync::Arc;

use shared::{
    application::ports::{Mailboxes, UserRepository},
    domain::{Refusal, Result, User, UserId, mail::Suppression},
};

/// Reads users.
pub struct GetUser {
    /// Where users are kept: what was written last is read, unlike in the directory.
    pub users: Arc<dyn UserRepository>,
    /// What administrators see of the user's address.
    pub mailboxes: Arc<dyn Mailboxes>,
}

/// Whom to read.
#[derive(Debug)]
pub struct Query {
    pub id: UserId,
    /// Whether it is shown why not every mail goes to the user.
    pub with_mail: bool,
}

impl GetUser {
    /// The user, and why not every mail goes there, if that is asked for and so.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn execute(&self, query: &Query) -> Result<(User, Option<Suppression>)> {
        let user = self.users.find(query.id).await?;
        let user = user.ok_or(Refusal::NotFound)?;
        if !query.with_mail {
            return Ok((user, None));
        }
        let mailbox = self.mailboxes.find(&user.email).await?;
        Ok((user, mailbox.suppression()))
    }
}

#[cfg(test)]
mod tests {
    use shared::{domain::mail::MailOutcome, lambda::http::Access};
    use testing::{Endpoint, Fixture, Principal, TestRequest, json};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("GET", "/users/{id}");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| GetUser {
            users: backend.clone(),
            mailboxes: backend.clone(),
        })
        .request(request, 200)
    }

    #[tokio::test]
    async fn the_user_and_administrators_may() {
        endpoint().admits(Access::OWNER_OR_READER).await;
    }

    #[tokio::test]
    async fn a_user_is_shown_with_its_version_and_without_secrets() {
        let fixture = Fixture::new().await;
        let answer = endpoint().send(&fixture).await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"1\"")));
        assert_eq!(
            answer.body,
            json!({
                "id": fixture.ann.id,
                "email": "ann@example.com",
                "emailVerified": true,
                "name": "Ann",
                "roles": [],
                "active": true,
                "createdAt": "2026-01-01T00:00:00.000000Z",
                "updatedAt": "2026-01-01T00:00:00.000000Z",
                "version": 1,
            })
        );
    }

    #[tokio::test]
    async fn a_pending_address_is_shown() {
        let fixture = Fixture::new().await;
        let email = "new@example.com".parse().unwrap();
        let ask = |ann: &User, metadata: &_| ann.request_email(email, metadata);
        fixture.backend.change(fixture.ann.id, ask).await;
        let answer = endpoint().send(&fixture).await;
        assert_eq!(answer.body["pendingEmail"], "new@example.com");
        assert_eq!(answer.body["email"], "ann@example.com");
    }

    #[tokio::test]
    async fn administrators_see_why_mails_do_not_go_there_and_the_user_does_not() {
        let fixture = Fixture::new().await;
        for (outcome, state) in [
            (MailOutcome::Complained, "complained"),
            (MailOutcome::Bounced, "suppressed"),
        ] {
            fixture.backend.report(&fixture.ann().email, outcome).await;
            let answer = endpoint().send_as(&fixture, Principal::Admin).await;
            let since = "2026-01-01T00:00:00.000000Z";
            assert_eq!(answer.body["mail"], json!({"state": state, "since": since}));
            let answer = endpoint().send(&fixture).await;
            assert!(answer.body.get("mail").is_none());
        }
    }
}
