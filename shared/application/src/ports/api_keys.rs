//! The API keys.

use async_trait::async_trait;
use domain::{ApiKey, ApiKeyId, DomainEvent, Result, Timestamp, api_key::ListedApiKey};

/// Keeps the API keys.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Writes a new key together with its event.
    async fn create(&self, key: &ApiKey, event: &DomainEvent) -> Result<()>;

    /// The key with this id, good or not. Strongly consistent.
    async fn find(&self, id: ApiKeyId) -> Result<Option<ApiKey>>;

    /// Every key, newest first, until [`ApiKey::listed_until`].
    async fn list(&self) -> Result<Vec<ListedApiKey>>;

    /// Marks a key as revoked, together with the event; nothing changes if it was revoked before.
    /// Returns false if there is no such key.
    async fn revoke(&self, id: ApiKeyId, event: &DomainEvent) -> Result<bool>;

    /// Notes that the key was used at `now`. Written once a day at most, however often it is used.
    async fn note_use(&self, id: ApiKeyId, now: Timestamp) -> Result<()>;
}
