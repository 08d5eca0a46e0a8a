//! The query: by which identities at providers a user may sign in.

use std::sync::Arc;

use shared::{
    application::ports::UserRepository,
    domain::{Refusal, Result, UserId, identity::LinkedIdentity},
};

pub struct ListIdentities {
    pub users: Arc<dyn UserRepository>,
}

/// Whose.
#[derive(Debug)]
pub struct Query {
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
    use shared::{
        domain::{User, identity::IdentityId},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest, identity, json};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("GET", "/users/{id}/identities");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| ListIdentities {
            users: backend.clone(),
        })
        .request(request, 200)
    }

    #[tokio::test]
    async fn only_the_owner_may() {
        endpoint().admits(Access::OWNER).await;
    }

    #[tokio::test]
    async fn identities_are_shown_and_the_address_is_none() {
        let fixture = Fixture::new().await;
        let answer = endpoint().send(&fixture).await;
        assert_eq!(answer.body, json!({"data": []}));
        let link = |ann: &User, metadata: &_| Ok(ann.link(&identity("a", "1"), metadata)?.unwrap());
        fixture.backend.change(fixture.ann.id, link).await;
        let id = IdentityId::of(&identity("a", "1"));
        let shown = json!({"id": id, "issuer": "https://a.example.com", "subject": "1"});
        let answer = endpoint().send(&fixture).await;
        assert_eq!(answer.body, json!({"data": [shown]}));
    }
}
