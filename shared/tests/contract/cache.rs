//! A cache is never older than it says, in any process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use shared::{
    application::{
        cache::{CacheConfig, TieredCache},
        ports::CacheEntry,
    },
    domain::Result,
};

use crate::{
    contract,
    ports::{INSTANT, Ports},
};

contract!(
    an_entry_comes_back_as_it_was_put,
    an_entry_may_be_put_again_and_removed,
    generations_count_each_namespace,
    a_value_counts_for_its_lifetime,
    what_one_process_loaded_serves_the_other,
    a_value_from_the_store_lives_no_longer_for_that,
    parallel_callers_cost_one_load,
    an_invalidation_is_seen_at_once_here_and_within_the_bound_elsewhere,
    an_invalidation_concerns_its_namespace_alone,
    a_load_from_before_an_invalidation_brings_nothing_back,
    one_key_can_be_invalidated,
    absence_is_kept_only_if_asked,
);

const LIFETIME: Duration = Duration::from_mins(10);
const SEEN_WITHIN: Duration = Duration::from_secs(5);
const CONFIG: CacheConfig = CacheConfig {
    lifetime: LIFETIME,
    negative_ttl: None,
    max_staleness: SEEN_WITHIN,
    capacity: 100,
};

/// The cache of one process, and how often it had to load.
struct Process {
    cache: TieredCache<String>,
    loads: AtomicUsize,
}

impl Process {
    fn new(ports: &Ports) -> Arc<Self> {
        Self::with(ports, CONFIG)
    }

    fn with(ports: &Ports, config: CacheConfig) -> Arc<Self> {
        let clock = ports.env.clock.clone();
        Arc::new(Self {
            cache: TieredCache::new(config, ports.cache.clone(), clock),
            loads: AtomicUsize::new(0),
        })
    }

    /// What the process sees under `key` if `value` can be loaded.
    async fn sees(&self, key: &str, value: &str) -> Option<String> {
        self.sees_any(key, Some(value)).await
    }

    async fn sees_any(&self, key: &str, value: Option<&str>) -> Option<String> {
        let seen = self.cache.get(key, self.load(value)).await.unwrap();
        seen.map(|value| String::clone(&value))
    }

    async fn load(&self, value: Option<&str>) -> Result<Option<String>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Ok(value.map(str::to_owned))
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

fn entry(ports: &Ports, value: serde_json::Value) -> CacheEntry {
    CacheEntry {
        value,
        generation: 7,
        expires_at: ports.now(),
    }
}

async fn an_entry_comes_back_as_it_was_put(ports: Ports) {
    for value in [
        serde_json::Value::Null,
        serde_json::json!({ "n": u64::MAX, "": ["ü", -0.5, null] }),
    ] {
        let entry = entry(&ports, value);
        ports.cache.put("a:1", &entry).await.unwrap();
        assert_eq!(ports.cache.get("a:1").await.unwrap(), Some(entry));
        assert_eq!(ports.cache.get("a:2").await.unwrap(), None);
    }
}

async fn an_entry_may_be_put_again_and_removed(ports: Ports) {
    let (first, second) = (entry(&ports, 1.into()), entry(&ports, 2.into()));
    for entry in [&first, &second] {
        ports.cache.put("a:1", entry).await.unwrap();
    }
    assert_eq!(ports.cache.get("a:1").await.unwrap(), Some(second));
    for _ in 0..2 {
        ports.cache.remove("a:1").await.unwrap();
        assert_eq!(ports.cache.get("a:1").await.unwrap(), None);
    }
}

async fn generations_count_each_namespace(ports: Ports) {
    assert_eq!(ports.cache.generation("a").await.unwrap(), 0);
    for count in 1..=2 {
        ports.cache.begin_generation("a").await.unwrap();
        assert_eq!(ports.cache.generation("a").await.unwrap(), count);
        assert_eq!(ports.cache.generation("b").await.unwrap(), 0);
    }
}

async fn a_value_counts_for_its_lifetime(ports: Ports) {
    let process = Process::new(&ports);
    assert_eq!(process.sees("a:1", "old").await.unwrap(), "old");
    (ports.advance)(LIFETIME.saturating_sub(INSTANT));
    assert_eq!(process.sees("a:1", "new").await.unwrap(), "old");
    (ports.advance)(INSTANT);
    assert_eq!(process.sees("a:1", "new").await.unwrap(), "new");
    assert_eq!(process.loads(), 2);
}

async fn what_one_process_loaded_serves_the_other(ports: Ports) {
    let (one, two) = (Process::new(&ports), Process::new(&ports));
    assert_eq!(one.sees("a:1", "value").await.unwrap(), "value");
    for _ in 0..2 {
        assert_eq!(two.sees("a:1", "another").await.unwrap(), "value");
    }
    assert_eq!((one.loads(), two.loads()), (1, 0));
    // The second time it came from the memory of the process.
    ports.cache.remove("a:1").await.unwrap();
    assert_eq!(two.sees("a:1", "another").await.unwrap(), "value");
}

async fn a_value_from_the_store_lives_no_longer_for_that(ports: Ports) {
    let (one, two) = (Process::new(&ports), Process::new(&ports));
    one.sees("a:1", "old").await;
    (ports.advance)(LIFETIME.saturating_sub(INSTANT));
    assert_eq!(two.sees("a:1", "new").await.unwrap(), "old");
    (ports.advance)(INSTANT);
    assert_eq!(two.sees("a:1", "new").await.unwrap(), "new");
}

async fn parallel_callers_cost_one_load(ports: Ports) {
    let process = Process::new(&ports);
    let callers: Vec<_> = (0..50)
        .map(|n| {
            let process = process.clone();
            tokio::spawn(async move { process.sees("a:1", &n.to_string()).await })
        })
        .collect();
    let mut seen = Vec::new();
    for caller in callers {
        seen.push(caller.await.unwrap().unwrap());
    }
    seen.dedup();
    assert_eq!((seen.len(), process.loads()), (1, 1));
}

async fn an_invalidation_is_seen_at_once_here_and_within_the_bound_elsewhere(ports: Ports) {
    let (one, two) = (Process::new(&ports), Process::new(&ports));
    for process in [&one, &two] {
        process.sees("users:ann", "old").await;
        process.sees("users:bob", "old").await;
    }

    one.cache.invalidate("users:*").await.unwrap();

    assert_eq!(one.sees("users:ann", "new").await.unwrap(), "new");
    (ports.advance)(SEEN_WITHIN.saturating_sub(INSTANT));
    assert_eq!(two.sees("users:ann", "newer").await.unwrap(), "old");
    (ports.advance)(INSTANT);
    assert_eq!(two.sees("users:ann", "newer").await.unwrap(), "new");
    assert_eq!(two.sees("users:bob", "newer").await.unwrap(), "newer");
}

async fn an_invalidation_concerns_its_namespace_alone(ports: Ports) {
    let (one, two) = (Process::new(&ports), Process::new(&ports));
    one.sees("groups:ann", "old").await;
    one.cache.invalidate("users:*").await.unwrap();
    assert_eq!(one.sees("groups:ann", "new").await.unwrap(), "old");
    assert_eq!(two.sees("groups:ann", "new").await.unwrap(), "old");
}

async fn a_load_from_before_an_invalidation_brings_nothing_back(ports: Ports) {
    let (one, two) = (Process::new(&ports), Process::new(&ports));
    let slow = async {
        // It read the old value; before it is done, the other process invalidates.
        two.cache.invalidate("users:*").await.unwrap();
        Ok(Some("old".to_owned()))
    };
    one.cache.get("users:ann", slow).await.unwrap();

    assert_eq!(two.sees("users:ann", "new").await.unwrap(), "new");
    (ports.advance)(SEEN_WITHIN);
    assert_eq!(one.sees("users:ann", "newer").await.unwrap(), "new");
}

async fn one_key_can_be_invalidated(ports: Ports) {
    let (one, two) = (Process::new(&ports), Process::new(&ports));
    for key in ["users:ann", "users:bob"] {
        one.sees(key, "old").await;
    }
    one.cache.invalidate("users:ann").await.unwrap();
    assert_eq!(one.sees("users:ann", "new").await.unwrap(), "new");
    assert_eq!(one.sees("users:bob", "new").await.unwrap(), "old");
    assert_eq!(two.sees("users:ann", "newer").await.unwrap(), "new");
}

async fn absence_is_kept_only_if_asked(ports: Ports) {
    let forgetful = Process::new(&ports);
    for _ in 0..2 {
        assert_eq!(forgetful.sees_any("a:1", None).await, None);
    }
    assert_eq!(forgetful.loads(), 2);

    let negative_ttl = Duration::from_secs(30);
    let config = CacheConfig {
        negative_ttl: Some(negative_ttl),
        ..CONFIG
    };
    let (one, two) = (Process::with(&ports, config), Process::with(&ports, config));
    for process in [&one, &one, &two, &two] {
        assert_eq!(process.sees_any("a:1", None).await, None);
    }
    (ports.advance)(negative_ttl.saturating_sub(INSTANT));
    assert_eq!(two.sees("a:1", "there").await, None);
    assert_eq!((one.loads(), two.loads()), (1, 0));
    (ports.advance)(INSTANT);
    assert_eq!(two.sees("a:1", "there").await.unwrap(), "there");
}
