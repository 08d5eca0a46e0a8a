//! Anonymous requests: nobody knows yet whether their senders are users.

use async_trait::async_trait;
use domain::{DomainEvent, RequestId, Result, request::AnonymousRequest};

/// Keeps anonymous requests until an observer has carried them out.
#[async_trait]
pub trait AnonymousRequests: Send + Sync {
    /// Writes a request together with its event.
    async fn put(&self, request: &AnonymousRequest, event: &DomainEvent) -> Result<()>;

    /// The request with this id, unless it was removed or has expired.
    async fn find(&self, id: RequestId) -> Result<Option<AnonymousRequest>>;

    /// Removes a request. Idempotent.
    async fn remove(&self, id: RequestId) -> Result<()>;
}
