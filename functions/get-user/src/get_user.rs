//! The use case: a caller reads a user.

use std::sync::Arc;

use shared::{
    application::ports::UserRepository,
    domain::{Refusal, Result, User, UserId},
};

/// Reads users.
pub struct GetUser {
    /// Where users are kept: what was written last is read, unlike in the directory.
    pub users: Arc<dyn UserRepository>,
}

/// Whom to read.
#[derive(Debug)]
pub struct Query {
    pub id: UserId,
}

impl GetUser {
    /// The user.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn execute(&self, query: &Query) -> Result<User> {
        let user = self.users.find(query.id).await?;
        user.ok_or_else(|| Refusal::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use shared::lambda::http::Access;
    use testing::{Endpoint, Fixture, TestRequest, json};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("GET", "/users/{id}");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| GetUser {
            users: backend.clone(),
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
}
