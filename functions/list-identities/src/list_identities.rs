//! The query: by which identities elsewhere a user may sign in.

use std::sync::Arc;

use shared::{
    application::ports::UserRepository,
    domain::{Refusal, Result, UserId, identity::LinkedIdentity},
};

/// Lists identities.
pub struct ListIdentities {
    /// Where users are kept.
    pub users: Arc<dyn UserRepository>,
}

/// Whose.
#[derive(Debug)]
pub struct Query {
    /// The user.
    pub user_id: UserId,
}

impl ListIdentities {
    /// The identities, in the order in which they were linked.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn execute(&self, query: &Query) -> Result<Vec<LinkedIdentity>> {
        let user = self.users.find(query.user_id).await?;
        let user = user.ok_or(Refusal::NotFound)?;
        Ok(user.identities().filter_map(LinkedIdentity::of).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::{
        domain::{Origin, identity::IdentityId},
        lambda::http::{Access, Request, Response},
    };
    use testing::{
        fixture::{Fixture, Route},
        identity,
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn route() -> Route<ListIdentities, impl AsyncFn(Arc<ListIdentities>, Request) -> Response> {
        Route {
            access: handler::ACCESS,
            service: |backend| ListIdentities {
                users: backend.clone(),
            },
            handle: handler::handle,
        }
    }

    #[tokio::test]
    async fn only_the_owner_may() {
        let request = |_, id: &str| Sample::of_user("GET", id, "/identities");
        route().admits(Access::Owner, 200, request).await.unwrap();
    }

    #[tokio::test]
    async fn identities_are_shown_and_the_address_is_none() {
        let fixture = Fixture::new().await.unwrap();
        let get = async || {
            let request = Sample::of_user("GET", "me", "/identities").bearer(&fixture.ann.token);
            route()
                .answer(&fixture.backend, request)
                .await
                .unwrap()
                .body
        };
        assert_eq!(get().await, json!({"data": []}));
        let env = fixture.backend.env();
        let metadata = env.metadata(Origin::system("test")).unwrap();
        let ann = fixture.backend.user(fixture.ann.id).unwrap();
        let change = ann.link(&identity("a", "1"), &metadata).unwrap();
        fixture.backend.commit(&change.unwrap()).await.unwrap();
        let id = IdentityId::of(&identity("a", "1"));
        let shown = json!({"id": id, "issuer": "https://a.example.com", "subject": "1"});
        assert_eq!(get().await, json!({"data": [shown]}));
    }
}
