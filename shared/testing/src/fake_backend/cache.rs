//! The shared cache of a [`FakeBackend`].

use std::collections::BTreeMap;

use application::ports::{CacheEntry, SharedCache};
use async_trait::async_trait;
use domain::Result;

use super::FakeBackend;

/// What is cached, and the generations of namespaces.
#[derive(Debug, Clone, Default)]
pub(super) struct Cached {
    entries: BTreeMap<String, CacheEntry>,
    generations: BTreeMap<String, u64>,
}

#[async_trait]
impl SharedCache for FakeBackend {
    async fn get(&self, key: &str) -> Result<Option<CacheEntry>> {
        self.call("cache.get", |state| {
            Ok(state.cache.entries.get(key).cloned())
        })
        .await
    }

    async fn put(&self, key: &str, entry: &CacheEntry) -> Result<()> {
        self.call("cache.put", |state| {
            state.cache.entries.insert(key.to_owned(), entry.clone());
            Ok(())
        })
        .await
    }

    async fn remove(&self, key: &str) -> Result<()> {
        self.call("cache.remove", |state| {
            state.cache.entries.remove(key);
            Ok(())
        })
        .await
    }

    async fn generation(&self, namespace: &str) -> Result<u64> {
        self.call("cache.generation", |state| {
            let generation = state.cache.generations.get(namespace);
            Ok(generation.copied().unwrap_or_default())
        })
        .await
    }

    async fn begin_generation(&self, namespace: &str) -> Result<()> {
        self.call("cache.begin_generation", |state| {
            *state
                .cache
                .generations
                .entry(namespace.to_owned())
                .or_default() += 1;
            Ok(())
        })
        .await
    }
}
