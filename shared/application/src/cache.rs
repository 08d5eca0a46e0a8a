//! A cache of two levels: memory of the process over a store which processes share.
//!
//! ```text
//! get ──▶ L1 ──miss──▶ L2 ──miss──▶ load ──▶ L2, L1
//! ```
//!
//! A key is `<namespace>:<rest>`. Every value carries the generation its namespace had when the
//! value was loaded, and counts in that generation only. So one write, of the next generation,
//! invalidates every value of a namespace in every process; a load that began before cannot bring an
//! old value back afterwards. A process asks for the generation again after
//! [`max_staleness`](CacheConfig::max_staleness): that is the bound within which it sees an invalidation
//! made by another one.
//!
//! The cache never makes a read fail. Where the store does not answer, the load does; and what was
//! loaded meanwhile is not kept, for nobody knows its generation.

mod slot;

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{Error, Result, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use self::slot::{InFlight, Slot};
use crate::ports::{CacheEntry, Clock, SharedCache};

/// Limits of a cache.
#[derive(Debug, Clone, Copy)]
pub struct CacheConfig {
    /// How long a value is used, counted from before it was loaded.
    pub lifetime: Duration,
    /// How long the absence of a value is used; none if absence is not cached.
    pub negative_ttl: Option<Duration>,
    /// The time within which an invalidation by another process is seen. Each process reads one item
    /// of the store that often, for each namespace in use.
    pub max_staleness: Duration,
    /// The number of values in the memory of the process. Those that expire first are dropped first.
    pub capacity: usize,
}

/// A cache of values of one type.
pub struct TieredCache<V> {
    config: CacheConfig,
    clock: Arc<dyn Clock>,
    l1: Mutex<HashMap<String, Arc<Slot<V>>>>,
    l2: Option<Arc<dyn SharedCache>>,
    generations: tokio::sync::Mutex<HashMap<String, Generation>>,
}

/// The generation of a namespace as this process knows it.
#[derive(Clone, Copy)]
struct Generation {
    number: u64,
    read_at: Timestamp,
}

impl<V: Serialize + DeserializeOwned> TieredCache<V> {
    /// A cache over a store that processes share.
    pub fn new(config: CacheConfig, l2: Arc<dyn SharedCache>, clock: Arc<dyn Clock>) -> Self {
        Self {
            l2: Some(l2),
            ..Self::local(config, clock)
        }
    }

    /// A cache of this process alone, for values whose load costs no more than a read of the store
    /// would. What others change is seen when the value expires.
    pub fn local(config: CacheConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            config,
            clock,
            l1: Mutex::default(),
            l2: None,
            generations: tokio::sync::Mutex::default(),
        }
    }

    /// The value under `key`; `load` is awaited only if there is no current one. Of callers at the same
    /// time one loads, and all get its result.
    ///
    /// # Errors
    /// Those of `load`. They are not kept.
    pub async fn get(
        &self,
        key: &str,
        load: impl Future<Output = Result<Option<V>>>,
    ) -> Result<Option<Arc<V>>> {
        let slot = self.slot(key);
        let loaded = slot.loaded();
        let mut last = slot.last.lock().await;
        let generation = self.generation(namespace(key)).await;
        if let Some(flight) = &*last
            && flight.generation == generation
            && (flight.counts(self.clock.now()) || loaded != slot.loaded())
        {
            return flight.outcome();
        }
        let flight = self.load(key, generation, load).await;
        let outcome = flight.outcome();
        *last = Some(flight);
        slot.land();
        outcome
    }

    /// Invalidates values: all of a namespace by `users:*`, or one by its key. This process
    /// sees it at once. The others see it within [`max_staleness`](CacheConfig::max_staleness) for a
    /// namespace; for one key, when the value they have expires.
    ///
    /// # Errors
    /// Those of the store: then the values may still be used.
    pub async fn invalidate(&self, pattern: &str) -> Result<()> {
        let Some(namespace) = pattern.strip_suffix(":*") else {
            if let Some(l2) = &self.l2 {
                l2.remove(pattern).await?;
            }
            lock(&self.l1).remove(pattern);
            return Ok(());
        };
        let mut generations = self.generations.lock().await;
        if let Some(l2) = &self.l2 {
            l2.begin_generation(namespace).await?;
            generations.remove(namespace);
        } else {
            let own = generations.entry(namespace.to_owned());
            own.or_insert(Generation::FIRST).number += 1;
        }
        Ok(())
    }

    /// The value from the store, or else from `load`.
    async fn load(
        &self,
        key: &str,
        generation: Option<u64>,
        load: impl Future<Output = Result<Option<V>>>,
    ) -> InFlight<V> {
        let now = self.clock.now();
        let shared = self.l2.as_deref().zip(generation);
        if let Some((l2, generation)) = shared
            && let Some(entry) = log_and_ignore(l2.get(key).await).flatten()
            && entry.generation == generation
            && entry.expires_at > now
            // One that cannot be read was written by another release.
            && let Some(value) = log_and_ignore(serde_json::from_value(entry.value).map_err(Error::caused_by))
        {
            return InFlight::loaded(Ok(value), Some(generation), Some(entry.expires_at));
        }
        let loaded = load.await;
        let lifetime = match &loaded {
            Ok(Some(_)) => Some(self.config.lifetime),
            Ok(None) => self.config.negative_ttl,
            Err(_) => None,
        };
        let until = lifetime.map(|lifetime| now.plus(lifetime));
        if let (Some((l2, generation)), Ok(value), Some(expires_at)) = (shared, &loaded, until)
            && let Some(value) =
                log_and_ignore(serde_json::to_value(value).map_err(Error::caused_by))
        {
            let entry = CacheEntry {
                value,
                generation,
                expires_at,
            };
            log_and_ignore(l2.put(key, &entry).await);
        }
        InFlight::loaded(loaded, generation, until)
    }

    /// The generation of a namespace, as it was not longer ago than others may take to see it.
    /// Nothing if the store does not tell.
    async fn generation(&self, namespace: &str) -> Option<u64> {
        let mut generations = self.generations.lock().await;
        let known = generations.get(namespace).copied();
        let Some(l2) = &self.l2 else {
            return Some(known.unwrap_or(Generation::FIRST).number);
        };
        let now = self.clock.now();
        if let Some(known) = known
            && known.read_at.plus(self.config.max_staleness) > now
        {
            return Some(known.number);
        }
        let number = log_and_ignore(l2.generation(namespace).await)?;
        let read = Generation {
            number,
            read_at: now,
        };
        generations.insert(namespace.to_owned(), read);
        Some(number)
    }

    /// The slot of `key`, made if there is none, with room for it.
    fn slot(&self, key: &str) -> Arc<Slot<V>> {
        let mut slots = lock(&self.l1);
        if let Some(slot) = slots.get(key) {
            return slot.clone();
        }
        while slots.len() >= self.config.capacity {
            let first = slots
                .iter()
                .filter_map(|(key, slot)| Some((slot.ends_at()?, key.clone())))
                .min();
            // Those in flight stay: there are as many as there are callers.
            let Some((_, key)) = first else { break };
            slots.remove(&key);
        }
        slots.entry(key.to_owned()).or_default().clone()
    }

    /// Number of values in L1, this process's own memory.
    pub fn l1_len(&self) -> usize {
        lock(&self.l1).len()
    }
}

/// All caches over a store that processes share.
pub struct SharedCaches {
    cache: TieredCache<serde_json::Value>,
    patterns: &'static [&'static str],
}

impl SharedCaches {
    /// The caches with the namespaces `patterns`, such as `users:*`.
    pub fn new(
        patterns: &'static [&'static str],
        store: Arc<dyn SharedCache>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        // Nothing is read through it.
        let config = CacheConfig {
            lifetime: Duration::ZERO,
            negative_ttl: None,
            max_staleness: Duration::ZERO,
            capacity: 0,
        };
        let cache = TieredCache::new(config, store, clock);
        Self { cache, patterns }
    }

    /// Invalidates every value in them. Idempotent.
    ///
    /// # Errors
    /// As [`TieredCache::invalidate`].
    pub async fn empty(&self) -> Result<()> {
        for pattern in self.patterns {
            self.cache.invalidate(pattern).await?;
        }
        Ok(())
    }
}

impl Generation {
    /// That of a namespace nobody has invalidated.
    const FIRST: Self = Self {
        number: 0,
        read_at: Timestamp::EPOCH,
    };
}

/// What stands before the first colon.
fn namespace(key: &str) -> &str {
    key.split_once(':').map_or(key, |(namespace, _)| namespace)
}

/// The answer, or a line in the log: without the store the cache is slower, and works.
fn log_and_ignore<T>(answer: Result<T>) -> Option<T> {
    answer
        .inspect_err(|error| tracing::warn!(%error, "the shared cache does not answer"))
        .ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
