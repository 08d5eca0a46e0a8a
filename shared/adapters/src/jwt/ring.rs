//! The ring of signing keys as a process knows it.

use std::{sync::Arc, time::Duration};

use application::ports::{Clock, SigningKeys};
use domain::{
    Error, Result, Timestamp,
    error::Causes,
    keys::{KeyPair, KeyRing},
};
use tokio::sync::Mutex;

use crate::LOOK_AGAIN_AFTER;

/// How long a process trusts the ring it read.
const RELOAD_AFTER: Duration = Duration::from_mins(5);

/// The ring, read anew now and then.
pub(super) struct CachedRing {
    keys: Arc<dyn SigningKeys>,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Known>>,
}

struct Known {
    ring: Arc<KeyRing>,
    /// When the table was asked last, with or without an answer.
    asked_at: Timestamp,
    /// When to ask again.
    stale_at: Timestamp,
}

impl CachedRing {
    pub(super) fn new(keys: Arc<dyn SigningKeys>, clock: Arc<dyn Clock>) -> Self {
        Self {
            keys,
            clock,
            known: Mutex::default(),
        }
    }

    /// The ring for signing, usually not older than [`LOOK_AGAIN_AFTER`]: what a withdrawn key signs is
    /// refused by processes that know of it. None before the first key was made.
    ///
    /// # Errors
    /// If the ring cannot be read and none is known.
    pub(super) async fn get_recent(&self) -> Result<Option<Arc<KeyRing>>> {
        self.get_if(|known, now| !known.may_ask(now)).await
    }

    /// The ring, usually not older than [`RELOAD_AFTER`], and read anew if it has no key `kid`: after a
    /// key was replaced at once, tokens of the new one come before the known ring is stale. Tokens with
    /// invented ids make no more than one read in [`LOOK_AGAIN_AFTER`].
    ///
    /// # Errors
    /// As [`CachedRing::get_recent`].
    pub(super) async fn get_with(&self, kid: &str) -> Result<Option<Arc<KeyRing>>> {
        self.get_if(|known, now| {
            known.stale_at > now && (known.ring.find(kid).is_some() || !known.may_ask(now))
        })
        .await
    }

    /// Publishes the first key, unless another process was first.
    pub(super) async fn bootstrap(&self, first: &KeyPair) -> Result<Arc<KeyRing>> {
        let ring = Arc::new(self.keys.bootstrap(first).await?);
        *self.known.lock().await = Some(Known::new(ring.clone(), self.clock.now()));
        Ok(ring)
    }

    /// The known ring if it is `enough`, or else a fresh one. If that cannot be read, the known one
    /// stays in use: an error says nothing about its keys, and users and sessions are checked apart.
    async fn get_if(
        &self,
        enough: impl FnOnce(&Known, Timestamp) -> bool + Send,
    ) -> Result<Option<Arc<KeyRing>>> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some(known) = known.as_ref().filter(|known| enough(known, now)) {
            return Ok(Some(known.ring.clone()));
        }
        match (self.keys.ring().await, known.as_mut()) {
            (Ok(ring), _) => *known = ring.map(|ring| Known::new(Arc::new(ring), now)),
            (Err(error), None) => return Err(error),
            (Err(error), Some(known)) => known.keep(&error, now),
        }
        Ok(known.as_ref().map(|known| known.ring.clone()))
    }
}

impl Known {
    fn new(ring: Arc<KeyRing>, now: Timestamp) -> Self {
        Self {
            ring,
            asked_at: now,
            stale_at: now.plus(RELOAD_AFTER),
        }
    }

    fn may_ask(&self, now: Timestamp) -> bool {
        self.asked_at.plus(LOOK_AGAIN_AFTER) <= now
    }

    /// Keeps this ring for a while, since there was no answer.
    fn keep(&mut self, error: &Error, now: Timestamp) {
        tracing::warn!(error = %Causes(error), "the signing keys were not read; the known ones stay in use");
        self.asked_at = now;
        self.stale_at = self.stale_at.max(now.plus(LOOK_AGAIN_AFTER));
    }
}

#[cfg(test)]
mod tests {
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

    fn fixture() -> (Arc<Table>, CachedRing) {
        let table = Arc::new(Table(Mutex::new(State {
            ring: ring("old"),
            fails: false,
            reads: 0,
            now: Timestamp::from_seconds(1_000_000),
        })));
        (table.clone(), CachedRing::new(table.clone(), table))
    }

    async fn knows(cached: &CachedRing, kid: &str) -> bool {
        let ring = cached.get_with(kid).await.unwrap();
        ring.unwrap().find(kid).is_some()
    }

    #[tokio::test]
    async fn a_new_key_is_found_before_the_known_ring_is_stale() {
        let (table, cached) = fixture();
        assert!(knows(&cached, "old").await);
        table.replace_key("new");
        table.advance(LOOK_AGAIN_AFTER);
        assert!(knows(&cached, "new").await);
        assert!(!knows(&cached, "old").await, "it was withdrawn");
    }

    #[tokio::test]
    async fn a_known_key_is_looked_for_again_after_five_minutes() {
        let (table, cached) = fixture();
        assert!(knows(&cached, "old").await);
        table.advance(RELOAD_AFTER.saturating_sub(Duration::from_micros(1)));
        assert!(knows(&cached, "old").await);
        assert_eq!(table.reads(), 1);
        table.advance(Duration::from_micros(1));
        assert!(knows(&cached, "old").await);
        assert_eq!(table.reads(), 2);
    }

    #[tokio::test]
    async fn a_withdrawn_key_signs_for_no_longer_than_a_minute() {
        let (table, cached) = fixture();
        cached.get_recent().await.unwrap();
        table.replace_key("new");
        table.advance(LOOK_AGAIN_AFTER);
        let ring = cached.get_recent().await.unwrap().unwrap();
        assert!(ring.find("new").is_some());
    }

    #[tokio::test]
    async fn invented_key_ids_are_looked_for_once_in_a_while() {
        let (table, cached) = fixture();
        for _ in 0..10 {
            assert!(!knows(&cached, "invented").await);
        }
        assert_eq!(table.reads(), 1, "the ring was just read");
        table.advance(LOOK_AGAIN_AFTER);
        for _ in 0..10 {
            assert!(!knows(&cached, "invented").await);
        }
        assert_eq!(table.reads(), 2);
    }

    #[tokio::test]
    async fn a_table_that_does_not_answer_leaves_the_known_ring() {
        let (table, cached) = fixture();
        cached.get_recent().await.unwrap();
        table.state(|state| state.fails = true);
        table.advance(RELOAD_AFTER);
        for _ in 0..10 {
            assert!(knows(&cached, "old").await);
            assert!(!knows(&cached, "new").await);
        }
        assert_eq!(table.reads(), 2, "it is not asked at each request");
        table.state(|state| state.fails = false);
        table.replace_key("new");
        table.advance(LOOK_AGAIN_AFTER);
        assert!(knows(&cached, "new").await);
    }

    #[tokio::test]
    async fn without_a_known_ring_the_failure_shows() {
        let (table, cached) = fixture();
        table.state(|state| state.fails = true);
        assert!(cached.get_recent().await.is_err());
        table.state(|state| state.fails = false);
        assert!(knows(&cached, "old").await);
    }
}
