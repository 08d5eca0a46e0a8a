//! The shared level of caches.

use application::ports::{CacheEntry, SharedCache};
use async_trait::async_trait;
use domain::{Error, Result, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Entity, Key, Table,
    item::{Update, number, ttl},
};

/// Cached values, in the sessions table.
#[derive(Clone)]
pub struct CacheItems {
    table: Table,
}

impl CacheItems {
    /// The values in `table`.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

/// A cached value.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueItem {
    /// JSON, as text: what was put comes back unchanged.
    value: String,
    generation: u64,
    expires_at: Timestamp,
    ttl: i64,
}

/// The generation of a namespace. It never expires: otherwise values from before the last invalidation
/// would be current again.
#[derive(Serialize, Deserialize)]
struct GenerationItem {
    generation: u64,
}

impl Entity for ValueItem {
    type Id = str;

    fn key(key: &str) -> Key {
        Key::new(format!("CACHE#{key}"), "CACHE")
    }
}

impl Entity for GenerationItem {
    type Id = str;

    /// No value has the key `*`.
    fn key(namespace: &str) -> Key {
        Key::new(format!("CACHE#{namespace}:*"), "CACHE")
    }
}

#[async_trait]
impl SharedCache for CacheItems {
    async fn get(&self, key: &str) -> Result<Option<CacheEntry>> {
        let item = self.table.get::<ValueItem>(key).await?;
        item.map(|item| {
            Ok(CacheEntry {
                value: serde_json::from_str(&item.value).map_err(Error::caused_by)?,
                generation: item.generation,
                expires_at: item.expires_at,
            })
        })
        .transpose()
    }

    async fn put(&self, key: &str, entry: &CacheEntry) -> Result<()> {
        let item = ValueItem {
            value: entry.value.to_string(),
            generation: entry.generation,
            expires_at: entry.expires_at,
            ttl: ttl(entry.expires_at),
        };
        self.table.put(key, &item).await
    }

    async fn remove(&self, key: &str) -> Result<()> {
        self.table.delete(ValueItem::key(key)).await
    }

    async fn generation(&self, namespace: &str) -> Result<u64> {
        let item = self.table.get::<GenerationItem>(namespace).await?;
        Ok(item.map_or(0, |item| item.generation))
    }

    /// Adds one. If the SDK repeats it, a generation is skipped.
    async fn begin_generation(&self, namespace: &str) -> Result<()> {
        let update = Update {
            key: GenerationItem::key(namespace),
            changes: "ADD #generation :one",
            condition: None,
            values: vec![(":one", number(1))],
        };
        self.table.update::<GenerationItem>(update).await?;
        Ok(())
    }
}
