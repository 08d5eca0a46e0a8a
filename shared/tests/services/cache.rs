use std::{sync::Arc, time::Duration};

use application::cache::{CacheConfig, TieredCache};
use domain::{Error, Refusal, Result};
use testing::{FakeBackend, Fault};

const CONFIG: CacheConfig = CacheConfig {
    lifetime: Duration::from_mins(10),
    negative_ttl: None,
    max_staleness: Duration::from_secs(5),
    capacity: 3,
};

fn cache(backend: &Arc<FakeBackend>) -> TieredCache<String> {
    TieredCache::new(CONFIG, backend.clone(), backend.clone())
}

fn local(backend: &Arc<FakeBackend>) -> TieredCache<String> {
    TieredCache::local(CONFIG, backend.clone())
}

fn value(text: &str) -> impl Future<Output = Result<Option<String>>> {
    std::future::ready(Ok(Some(text.to_owned())))
}

async fn seen(cache: &TieredCache<String>, key: &str, loadable: &str) -> String {
    let seen = cache.get(key, value(loadable)).await;
    seen.ok()
        .flatten()
        .map_or_else(String::new, |seen| String::clone(&seen))
}

#[tokio::test]
async fn a_hit_asks_nobody_and_a_miss_asks_twice() {
    let backend = FakeBackend::new();
    let cache = cache(&backend);
    seen(&cache, "a:1", "value").await;
    assert_eq!(
        backend.trace(),
        ["cache.generation", "cache.get", "cache.put"]
    );
    backend.clear_trace();
    seen(&cache, "a:1", "value").await;
    assert!(backend.trace().is_empty());
    backend.advance(CONFIG.max_staleness);
    seen(&cache, "a:1", "value").await;
    assert_eq!(backend.trace(), ["cache.generation"]);
}

#[tokio::test]
async fn whatever_happens_to_the_store_the_load_answers() {
    let tried = FakeBackend::try_every_fault(async |fault| {
        let backend = FakeBackend::new();
        let cache = cache(&backend);
        let (answer, fired) = backend
            .with_fault(fault, cache.get("a:1", value("first")))
            .await;
        if let Some(answer) = answer {
            assert_eq!(*answer.unwrap().unwrap(), "first");
        }
        // One that died in the middle leaves nothing in the way of the next.
        backend.advance(CONFIG.lifetime);
        assert_eq!(seen(&cache, "a:1", "second").await, "second");
        fired
    })
    .await;
    assert_eq!(tried, 4 * 3);
}

#[tokio::test]
async fn without_a_generation_nothing_is_kept() {
    let backend = FakeBackend::new();
    let cache = cache(&backend);
    seen(&cache, "a:1", "old").await;
    backend.advance(CONFIG.max_staleness);
    let asked = cache.get("a:1", value("new"));
    let (answer, fired) = backend.with_fault(Fault::Fail(0), asked).await;
    assert_eq!(*answer.unwrap().unwrap().unwrap(), "new");
    assert!(fired);
    // The store answers again, and has the old one: nobody invalidated it.
    assert_eq!(seen(&cache, "a:1", "newer").await, "old");
}

#[tokio::test]
async fn an_invalidation_that_failed_says_so() {
    for pattern in ["a:*", "a:1"] {
        let backend = FakeBackend::new();
        let cache = cache(&backend);
        let (answer, _) = backend
            .with_fault(Fault::Fail(0), cache.invalidate(pattern))
            .await;
        assert!(answer.unwrap().is_err());
    }
}

#[tokio::test]
async fn a_value_of_another_shape_is_loaded_again() {
    let backend = FakeBackend::new();
    let numbers = TieredCache::new(CONFIG, backend.clone(), backend.clone());
    numbers.get("a:1", async { Ok(Some(1)) }).await.unwrap();
    assert_eq!(seen(&cache(&backend), "a:1", "one").await, "one");
}

#[tokio::test]
async fn who_waited_for_a_load_that_failed_does_not_try_again() {
    let backend = FakeBackend::new();
    let cache = local(&backend);
    let loads = std::sync::atomic::AtomicUsize::new(0);
    let failing = async || {
        loads.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        tokio::task::yield_now().await;
        Err(Refusal::Unavailable(Duration::from_secs(1)).into())
    };
    let callers = (0..50).map(|_| cache.get("a:1", failing()));
    for answer in futures::future::join_all(callers).await {
        assert!(matches!(
            answer,
            Err(Error::Refused(Refusal::Unavailable(_)))
        ));
    }
    assert_eq!(loads.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!(seen(&cache, "a:1", "value").await, "value");
}

#[tokio::test]
async fn of_too_many_values_the_oldest_go() {
    let backend = FakeBackend::new();
    let cache = local(&backend);
    for n in 1..=10 {
        seen(&cache, &format!("a:{n}"), "old").await;
        backend.advance(Duration::from_secs(1));
        assert_eq!(cache.l1_len(), CONFIG.capacity.min(n));
    }
    assert_eq!(seen(&cache, "a:10", "new").await, "old");
    assert_eq!(seen(&cache, "a:8", "new").await, "old");
    assert_eq!(seen(&cache, "a:7", "new").await, "new");
}

#[tokio::test]
async fn a_local_cache_knows_no_store_and_can_be_invalidated() {
    let backend = FakeBackend::new();
    let cache = local(&backend);
    for pattern in ["users:*", "users:ann"] {
        seen(&cache, "users:ann", "old").await;
        assert_eq!(seen(&cache, "users:ann", "new").await, "old");
        cache.invalidate(pattern).await.unwrap();
        assert_eq!(seen(&cache, "users:ann", "new").await, "new");
        cache.invalidate("users:*").await.unwrap();
    }
    let overtaken = async {
        cache.invalidate("users:*").await.unwrap();
        value("old").await
    };
    cache.get("users:bob", overtaken).await.unwrap();
    assert_eq!(seen(&cache, "users:bob", "new").await, "new");
    assert!(backend.trace().is_empty());
}
