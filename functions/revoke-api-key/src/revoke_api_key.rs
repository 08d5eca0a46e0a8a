//! The use case: an administrator revokes an API key.

use std::sync::Arc;

use shared::{
    application::ports::{ApiKeys, Env},
    domain::{ApiKey, ApiKeyId, Origin, Refusal, Result},
};

pub struct RevokeApiKey {
    pub keys: Arc<dyn ApiKeys>,
    pub env: Env,
}

/// The key to be revoked.
#[derive(Debug)]
pub struct Command {
    pub id: ApiKeyId,
    pub origin: Origin,
}

impl RevokeApiKey {
    /// Revokes the key. If it was revoked before, nothing changes.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let metadata = self.env.metadata(command.origin)?;
        let event = ApiKey::revoked(command.id, &metadata);
        let there = self.keys.revoke(command.id, &event).await?;
        there.then_some(()).ok_or(Refusal::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{Actor, EventKind, Role},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("DELETE", "/api-keys/{key}");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| RevokeApiKey {
            keys: backend.clone(),
            env: backend.env(),
        })
        .request(request, 204)
        .given(async |fixture, request| {
            let (key, _) = fixture.backend.add_api_key(&Role::reader()).await;
            request.parameter("key", &key.id.to_string())
        })
    }

    fn is_revoked(fixture: &Fixture) -> bool {
        let keys = fixture.backend.api_keys();
        keys.iter().all(|listed| listed.key.revoked_at.is_some())
    }

    #[tokio::test]
    async fn administrators_may() {
        endpoint().admits(Access::ADMIN.recent()).await;
    }

    #[tokio::test]
    async fn a_revocation_survives_every_fault() {
        let is_done = async |fixture: &Fixture| is_revoked(fixture);
        let calls = endpoint().survives_every_fault(is_done).await;
        assert_eq!(calls.last(), Some(&"api_keys.revoke"));
    }

    #[tokio::test]
    async fn a_revocation_is_told_once() {
        let fixture = Fixture::new().await;
        let (key, _) = fixture.backend.add_api_key(&Role::reader()).await;
        let before = fixture.backend.outbox().len();
        for _ in 0..2 {
            let request = TestRequest::new("DELETE", "/api-keys/{key}")
                .parameter("key", &key.id.to_string())
                .bearer(&fixture.admin.token);
            let answer = endpoint().answer(&fixture.backend, request).await;
            assert_eq!(answer.status, 204);
        }
        let events = fixture.backend.outbox().split_off(before);
        let [event] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(event.kind, EventKind::ApiKeyRevoked);
        assert_eq!(event.actor, Actor::User(fixture.admin.id));
        assert_eq!(event.data.api_key_id, Some(key.id));
    }

    #[tokio::test]
    async fn what_is_no_key_is_not_found() {
        let fixture = Fixture::new().await;
        for id in [&fixture.ann.id.to_string(), "x"] {
            let request = TestRequest::new("DELETE", "/api-keys/{key}")
                .parameter("key", id)
                .bearer(&fixture.admin.token);
            let answer = endpoint().answer(&fixture.backend, request).await;
            assert_eq!(answer.problem(), (404, "not-found"));
        }
    }
}
