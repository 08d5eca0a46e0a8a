//! Requests with an `Idempotency-Key`.

use std::{sync::Arc, time::Duration};

use application::{
    idempotency::{Idempotency, IdempotencyKey, LEASE, Once},
    ports::Purpose,
};
use domain::{Actor, Error, Refusal, Result, SecretPurpose, turns::PUBLISH_AHEAD};
use testing::FakeBackend;

fn idempotency(backend: &Arc<FakeBackend>) -> Idempotency {
    Idempotency::new(backend.clone(), backend.secrets())
}

/// A request that reserves `reserved`; its outcome is what was reserved, and is recorded if it is even.
async fn request(backend: &Arc<FakeBackend>, body: &[u8], reserved: u64) -> Result<Once<u64, u64>> {
    request_by(Actor::System, backend, body, reserved).await
}

async fn request_by(
    actor: Actor,
    backend: &Arc<FakeBackend>,
    body: &[u8],
    reserved: u64,
) -> Result<Once<u64, u64>> {
    let key = IdempotencyKey::new("key-1", body);
    let execute = async |reserved: u64| {
        if reserved == 0 {
            Err(Refusal::VersionConflict.into())
        } else {
            Ok(reserved)
        }
    };
    let even = |outcome: &Result<u64>| outcome.as_ref().ok().copied().filter(|n| n % 2 == 0);
    let request = (Purpose::SignUp, actor, &key);
    let idempotency = idempotency(backend);
    idempotency.once(request, reserved, execute, even).await
}

#[tokio::test]
async fn a_recorded_outcome_is_given_again() {
    let backend = FakeBackend::new();
    let first = request(&backend, b"{}", 2).await.unwrap();
    assert_eq!(first, Once::First(2));
    let again = request(&backend, b"{}", 4).await.unwrap();
    assert_eq!(again, Once::Again(2));
    assert!(matches!(
        request(&backend, b"[]", 4).await,
        Err(Error::Refused(Refusal::KeyReused))
    ));
}

#[tokio::test]
async fn strangers_who_choose_the_same_key_do_not_meet() {
    let backend = FakeBackend::new();
    for (body, reserved, outcome) in [
        (b"{}", 2, Once::First(2)),
        (b"[]", 4, Once::First(4)),
        (b"{}", 6, Once::Again(2)),
        (b"[]", 6, Once::Again(4)),
    ] {
        let answer = request_by(Actor::Anonymous, &backend, body, reserved).await;
        assert_eq!(answer.unwrap(), outcome);
    }
}

#[tokio::test]
async fn what_is_not_recorded_is_tried_again() {
    let backend = FakeBackend::new();
    assert_eq!(request(&backend, b"{}", 1).await.unwrap(), Once::First(1));
    let again = request(&backend, b"{}", 2).await.unwrap();
    assert!(matches!(again, Once::First(_)), "{again:?}");
}

/// The first worker may have written something before it died: the next writes the same.
#[tokio::test]
async fn the_next_attempt_gets_what_the_first_reserved() {
    let backend = FakeBackend::new();
    let key = IdempotencyKey::new("key-1", b"{}");
    let hangs = async |_: u64| std::future::pending::<Result<u64>>().await;
    let nothing = |_: &Result<u64>| None::<u64>;
    let idempotency = idempotency(&backend);
    let mut first =
        Box::pin(idempotency.once((Purpose::SignUp, Actor::System, &key), 2, hangs, nothing));
    assert!(futures::poll!(&mut first).is_pending());
    assert!(matches!(
        request(&backend, b"{}", 4).await,
        Err(Error::Refused(Refusal::StillRunning))
    ));
    let reused = async || {
        let answer = request(&backend, b"[]", 4).await;
        matches!(answer, Err(Error::Refused(Refusal::KeyReused)))
    };
    assert!(reused().await, "another request, while the first runs");
    drop(first);
    backend.advance(LEASE);
    assert!(reused().await, "and after its worker died");
    let second = request(&backend, b"{}", 4).await.unwrap();
    assert_eq!(second, Once::First(2));
}

/// The secret that hides keys takes turns: what was recorded by the version before is found by it.
#[tokio::test]
async fn a_repetition_is_known_across_a_rotation_of_the_secret() {
    let backend = FakeBackend::new();
    assert_eq!(request(&backend, b"{}", 1).await.unwrap(), Once::First(1));
    assert!(!backend.trace().contains(&"leases.exists"), "one version");
    backend.advance(SecretPurpose::Idempotency.retention());
    backend.rotate_secret(SecretPurpose::Idempotency);
    backend.advance(PUBLISH_AHEAD.saturating_sub(Duration::from_secs(1)));
    assert_eq!(request(&backend, b"{}", 2).await.unwrap(), Once::First(2));
    backend.advance(Duration::from_secs(1));
    assert_eq!(request(&backend, b"{}", 4).await.unwrap(), Once::Again(2));
    assert!(matches!(
        request(&backend, b"[]", 4).await,
        Err(Error::Refused(Refusal::KeyReused))
    ));
}
