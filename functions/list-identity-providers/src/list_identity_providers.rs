//! The query: where people may sign in instead.

use std::sync::Arc;

use shared::{
    application::ports::IdentityProviders,
    domain::{Result, identity::Provider},
};

pub struct ListIdentityProviders {
    /// Where people sign in.
    pub providers: Arc<dyn IdentityProviders>,
}

impl ListIdentityProviders {
    /// What clients need to send people to each provider that answers.
    pub async fn execute(&self) -> Result<Vec<Provider>> {
        self.providers.list().await
    }
}

#[cfg(test)]
mod tests {
    use shared::lambda::http::Access;
    use testing::{Endpoint, FakeBackend, TestRequest, json};

    use super::*;
    use crate::handler;

    #[tokio::test]
    async fn anyone_may_know_and_caches_may_keep_it() {
        assert_eq!(handler::ACCESS, Access::ANYONE);
        let backend = FakeBackend::new();
        backend.offer_provider("a");
        let endpoint = Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            ListIdentityProviders {
                providers: backend.clone(),
            }
        });
        let request = TestRequest::new("GET", "/identity-providers");
        let answer = endpoint.answer(&backend, request).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
        let provider = json!({
            "name": "a",
            "issuer": "https://a.example.com",
            "clientId": "roster",
            "authorizationEndpoint": "https://a.example.com/authorize",
            "scopes": ["openid", "email", "profile"],
        });
        assert_eq!(answer.body, json!({"data": [provider]}));
    }
}
