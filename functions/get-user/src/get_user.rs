//! The use case: somebody reads a user.

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
    /// The user.
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
    use serde_json::json;
    use shared::lambda::http::{Access, Request, Response};
    use testing::{
        fixture::{Fixture, Route},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn route() -> Route<GetUser, impl AsyncFn(Arc<GetUser>, Request) -> Response> {
        Route {
            access: handler::ACCESS,
            service: |backend| GetUser {
                users: backend.clone(),
            },
            handle: handler::handle,
        }
    }

    #[tokio::test]
    async fn the_user_and_administrators_may() {
        let request = |_, id: &str| Sample::of_user("GET", id, "");
        let admitted = route().admits(Access::OwnerOrAdmin, 200, request).await;
        admitted.unwrap();
    }

    #[tokio::test]
    async fn a_user_is_shown_with_its_version_and_without_secrets() {
        let fixture = Fixture::new().await.unwrap();
        let request = Sample::of_user("GET", "me", "").bearer(&fixture.ann.token);
        let answer = route().answer(&fixture.backend, request).await.unwrap();
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"1\"")));
        assert_eq!(
            answer.body,
            json!({
                "id": fixture.ann.id,
                "email": "ann@example.com",
                "emailVerified": false,
                "name": "Ann",
                "roles": [],
                "active": true,
                "createdAt": "2026-01-01T00:00:00.000000Z",
                "updatedAt": "2026-01-01T00:00:00.000000Z",
                "version": 1,
            })
        );
    }
}
