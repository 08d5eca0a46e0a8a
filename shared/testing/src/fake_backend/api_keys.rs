//! The API keys of a [`FakeBackend`].

use application::ports::{ApiKeys, Clock as _};
use async_trait::async_trait;
use domain::{ApiKey, ApiKeyId, DomainEvent, Error, Result, Timestamp, api_key::ListedApiKey};

use super::FakeBackend;

#[async_trait]
impl ApiKeys for FakeBackend {
    async fn create(&self, key: &ApiKey, event: &DomainEvent) -> Result<()> {
        self.call("api_keys.create", |state| {
            match state.api_keys.get(&key.id) {
                Some(other) if other.hash == key.hash => return Ok(()),
                Some(_) => return Err(Error::internal("the id of an API key is in use")),
                None => {}
            }
            state.api_keys.insert(key.id, key.clone());
            state.remember(event);
            Ok(())
        })
        .await
    }

    async fn find(&self, id: ApiKeyId) -> Result<Option<ApiKey>> {
        self.call("api_keys.find", |state| {
            Ok(state.api_keys.get(&id).cloned())
        })
        .await
    }

    async fn list(&self) -> Result<Vec<ListedApiKey>> {
        let now = self.now();
        self.call("api_keys.list", |state| {
            let keys = state.api_keys.values().rev();
            let listed = keys.filter(|key| key.listed_until() > now);
            Ok(listed
                .map(|key| ListedApiKey {
                    key: key.clone(),
                    last_used_on: state.api_key_uses.get(&key.id).cloned(),
                })
                .collect())
        })
        .await
    }

    async fn revoke(&self, id: ApiKeyId, event: &DomainEvent) -> Result<bool> {
        self.call("api_keys.revoke", |state| {
            let Some(key) = state.api_keys.get_mut(&id) else {
                return Ok(false);
            };
            if key.revoked_at.is_none() {
                key.revoked_at = Some(event.time);
                state.remember(event);
            }
            Ok(true)
        })
        .await
    }

    async fn note_use(&self, id: ApiKeyId, now: Timestamp) -> Result<()> {
        self.call("api_keys.note_use", |state| {
            let day = now.day();
            if state.api_key_uses.get(&id).is_none_or(|noted| *noted < day) {
                state.api_key_uses.insert(id, day);
            }
            Ok(())
        })
        .await
    }
}
