//! The query: which API keys there are.

use std::sync::Arc;

use shared::{
    application::{known_ring::KnownRing, ports::ApiKeys},
    domain::{Result, api_key::ListedApiKey},
};

pub struct ListApiKeys {
    pub keys: Arc<dyn ApiKeys>,
    pub ring: Arc<KnownRing>,
}

impl ListApiKeys {
    /// The keys, newest first; those that expired or were revoked for 30 days more. An epoch of the
    /// deployment revoked all of before.
    pub async fn execute(&self) -> Result<Vec<ListedApiKey>> {
        let (keys, epoch) = tokio::try_join!(self.keys.list(), self.ring.epoch())?;
        let keys = keys.into_iter().map(|listed| ListedApiKey {
            key: listed.key.within(epoch),
            ..listed
        });
        Ok(keys.collect())
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        application::ports::Clock as _,
        domain::{ApiKey, Role},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest, json};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        Endpoint::new(handler::ACCESS, handler::handle, |backend| ListApiKeys {
            keys: backend.clone(),
            ring: backend.known_ring(),
        })
        .request(TestRequest::new("GET", "/api-keys"), 200)
    }

    #[tokio::test]
    async fn administrators_may() {
        endpoint().admits(Access::ADMIN.recent()).await;
    }

    #[tokio::test]
    async fn a_key_is_shown_with_its_last_use_and_without_its_hash() {
        let fixture = Fixture::new().await;
        let backend = &fixture.backend;
        let (used, _) = backend.add_api_key(&Role::reader()).await;
        let (revoked, _) = backend.add_api_key(&Role::support()).await;
        let keys: &dyn ApiKeys = backend.as_ref();
        keys.note_use(used.id, backend.now()).await.unwrap();
        let event = ApiKey::revoked(revoked.id, &backend.metadata());
        assert!(keys.revoke(revoked.id, &event).await.unwrap());

        let answer = endpoint().send(&fixture).await;
        assert_eq!(answer.status, 200);
        let mut data = answer.body["data"].as_array().unwrap().clone();
        data.sort_by_key(|key| key["role"].to_string());
        let expected = json!({
            "id": used.id, "name": "test", "role": "reader", "service": null, "createdAt": used.created_at,
            "createdBy": "system", "expiresAt": used.expires_at, "revokedAt": null,
            "lastUsedOn": "2026-01-01",
        });
        assert_eq!(data[0], expected);
        assert_eq!(data[1]["revokedAt"], json!(event.time));
        assert_eq!((data[1]["lastUsedOn"].is_null(), data.len()), (true, 2));

        // The next epoch revokes all.
        let epoch = backend.now().plus(std::time::Duration::from_secs(1));
        backend.begin_epoch(epoch);
        let keys = ListApiKeys {
            keys: backend.clone(),
            ring: backend.known_ring(),
        };
        let keys = keys.execute().await.unwrap();
        let mut ends: Vec<_> = keys.iter().map(|listed| listed.key.revoked_at).collect();
        ends.sort();
        assert_eq!(ends, [Some(event.time), Some(epoch)]);
    }
}
