//! The second level of a cache: what processes share.

use async_trait::async_trait;
use domain::{Result, Timestamp};
use serde_json::Value;

/// A store of values that may be lost at any time. Used through
/// [`TieredCache`](crate::cache::TieredCache), which judges what it finds here.
#[async_trait]
pub trait SharedCache: Send + Sync {
    /// What was put under `key` last, expired or not.
    async fn get(&self, key: &str) -> Result<Option<CacheEntry>>;

    /// Puts a value under `key`.
    async fn put(&self, key: &str, entry: &CacheEntry) -> Result<()>;

    /// Removes what stands under `key`. Fine if nothing does.
    async fn remove(&self, key: &str) -> Result<()>;

    /// The generation of a namespace. Strongly consistent; 0 before the first.
    async fn generation(&self, namespace: &str) -> Result<u64>;

    /// Begins the next generation of a namespace: entries of those before count no more.
    async fn begin_generation(&self, namespace: &str) -> Result<()>;
}

/// A cached value.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheEntry {
    /// The value; `null` says that there is none.
    pub value: Value,
    /// The generation of its namespace when it was loaded.
    pub generation: u64,
    /// Until when it counts.
    pub expires_at: Timestamp,
}
