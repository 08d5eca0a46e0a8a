use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use domain::keys::{PublicKey, Rotation};
use secrecy::SecretSlice;

use super::*;

/// A table of keys and a clock, both under control.
struct Table(Mutex<State>);

struct State {
    ring: KeyRing,
    fails: bool,
    reads: usize,
    now: Timestamp,
}

impl Table {
    fn state<T>(&self, of: impl FnOnce(&mut State) -> T) -> T {
        of(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace_key(&self, kid: &str) {
        self.state(|state| state.ring = ring(kid));
    }

    fn advance(&self, span: Duration) {
        self.state(|state| state.now = state.now.plus(span));
    }

    fn reads(&self) -> usize {
        self.state(|state| state.reads)
    }
}

impl Clock for Table {
    fn now(&self) -> Timestamp {
        self.state(|state| state.now)
    }
}

#[async_trait]
impl SigningKeys for Table {
    async fn ring(&self) -> Result<Option<KeyRing>> {
        self.state(|state| {
            state.reads += 1;
            if state.fails {
                Err(Error::internal("the table does not answer"))
            } else {
                Ok(Some(state.ring.clone()))
            }
        })
    }

    async fn private(&self, _: &str) -> Result<Option<SecretSlice<u8>>> {
        Ok(None)
    }

    async fn bootstrap(&self, first: &KeyPair) -> Result<KeyRing> {
        Ok(KeyRing::first(first.public.clone()))
    }

    async fn rotate(&self, _: &Rotation) -> Result<bool> {
        Ok(false)
    }
}

fn ring(kid: &str) -> KeyRing {
    KeyRing::first(PublicKey {
        kid: kid.to_owned(),
        n: String::new(),
        e: String::new(),
        activates_at: Timestamp::EPOCH,
    })
}

const LAG: Duration = Duration::from_secs(5);

fn fixture() -> (Arc<Table>, KnownRing) {
    let table = Arc::new(Table(Mutex::new(State {
        ring: ring("old"),
        fails: false,
        reads: 0,
        now: Timestamp::from_seconds(1_000_000),
    })));
    (table.clone(), KnownRing::new(table.clone(), table, LAG))
}

async fn knows(known: &KnownRing, kid: &str) -> bool {
    let ring = known.with_key(kid).await.unwrap();
    ring.unwrap().find(kid).is_some()
}

async fn still_has(known: &KnownRing, kid: &str) -> bool {
    let ring = known.recent().await.unwrap();
    ring.unwrap().find(kid).is_some()
}

#[tokio::test]
async fn a_new_key_is_found_at_once() {
    let (table, known) = fixture();
    assert!(knows(&known, "old").await);
    table.replace_key("new");
    assert!(knows(&known, "new").await);
    assert!(!still_has(&known, "old").await, "it was withdrawn");
    assert_eq!(table.reads(), 2);
}

#[tokio::test]
async fn a_withdrawn_key_and_a_new_epoch_are_known_when_access_may_lag_no_longer() {
    let (table, known) = fixture();
    assert!(still_has(&known, "old").await);
    table.replace_key("new");
    let epoch = DeploymentEpoch::beginning(table.now());
    table.state(|state| state.ring.epoch = epoch);
    table.advance(LAG.saturating_sub(Duration::from_micros(1)));
    assert!(still_has(&known, "old").await);
    table.advance(Duration::from_micros(1));
    assert!(!still_has(&known, "old").await);
    assert_eq!(known.epoch().await.unwrap(), epoch);
    assert_eq!(table.reads(), 2);
}

/// Also where access may not lag: a request asks for the ring more than once.
#[tokio::test]
async fn the_ring_is_read_once_a_second_at_most() {
    let (table, _) = fixture();
    let known = KnownRing::new(table.clone(), table.clone(), Duration::ZERO);
    for _ in 0..10 {
        assert!(still_has(&known, "old").await);
    }
    assert_eq!(table.reads(), 1);
    table.advance(Duration::from_secs(1));
    assert!(still_has(&known, "old").await);
    assert_eq!(table.reads(), 2);
}

#[tokio::test]
async fn invented_key_ids_are_looked_for_a_few_times() {
    let (table, known) = fixture();
    assert!(knows(&known, "old").await);
    let few = 1 + usize::try_from(LOOKUPS).unwrap();
    for _ in 0..100 {
        assert!(!knows(&known, "invented").await);
    }
    assert_eq!(table.reads(), few);
    table.advance(LAG);
    for _ in 0..100 {
        assert!(!knows(&known, "invented").await);
    }
    assert_eq!(
        table.reads(),
        2 * few,
        "they neither put off nor add a reading for its age"
    );
}

#[tokio::test]
async fn a_table_that_does_not_answer_leaves_the_known_ring() {
    let (table, known) = fixture();
    assert!(still_has(&known, "old").await);
    table.state(|state| state.fails = true);
    table.advance(LAG);
    for _ in 0..10 {
        assert!(still_has(&known, "old").await);
    }
    assert_eq!(table.reads(), 2, "it is not asked at each request");
    table.state(|state| state.fails = false);
    table.replace_key("new");
    assert!(knows(&known, "new").await);
}

#[tokio::test]
async fn without_a_known_ring_the_failure_shows() {
    let (table, known) = fixture();
    table.state(|state| state.fails = true);
    assert!(known.recent().await.is_err());
    table.state(|state| state.fails = false);
    assert!(knows(&known, "old").await);
}
