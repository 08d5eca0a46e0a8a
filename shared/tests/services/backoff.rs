use std::time::Duration;

use adapters::system::System;
use application::{backoff::Backoff, ports::Clock as _};
use testing::FakeBackend;
use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_millis(50);

#[tokio::test(start_paused = true)]
async fn a_slow_call_is_not_tried_again() {
    let env = FakeBackend::new().env();
    let patience = Duration::from_secs(2);
    let mut backoff = Backoff::new(&env, 5, FIRST_PAUSE).within(patience);
    assert!(backoff.pause().await.unwrap());
    tokio::time::advance(patience).await;
    assert!(!backoff.pause().await.unwrap());
}

#[tokio::test]
async fn a_fast_call_is_tried_five_times_with_growing_pauses() {
    let env = FakeBackend::new().env();
    let began = env.clock.now();
    let mut backoff = Backoff::new(&env, 5, FIRST_PAUSE);
    for _ in 1..5 {
        assert!(backoff.pause().await.unwrap());
    }
    assert!(!backoff.pause().await.unwrap());
    let waited = began.until(env.clock.now());
    // Pauses that did not grow would be four at most.
    assert!(
        waited > FIRST_PAUSE * 4 && waited <= FIRST_PAUSE * 15,
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_clock_of_the_system_waits() {
    let began = Instant::now();
    System.sleep(FIRST_PAUSE).await;
    assert!(began.elapsed() >= FIRST_PAUSE);
}
