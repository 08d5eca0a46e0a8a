//! The place of one key in the memory of a process.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use domain::{Error, Result, Timestamp};

/// Where callers for one key meet. Principal holds the lock is in flight; the others wait for it.
pub(super) struct Slot<V> {
    /// What the last flight brought.
    pub(super) last: tokio::sync::Mutex<Option<InFlight<V>>>,
    landings: AtomicU64,
}

/// What came of one look into the store, and of the load if that was needed.
pub(super) struct InFlight<V> {
    outcome: Result<Option<Arc<V>>>,
    /// The generation it belongs to, if that was known.
    pub(super) generation: Option<u64>,
    /// Until when it counts; it serves only those who waited for it if there is no such time.
    until: Option<Timestamp>,
}

impl<V> Default for Slot<V> {
    fn default() -> Self {
        Self {
            last: tokio::sync::Mutex::default(),
            landings: AtomicU64::default(),
        }
    }
}

impl<V> Slot<V> {
    /// How many flights have ended. Principal finds more after waiting has waited for one.
    pub(super) fn loaded(&self) -> u64 {
        self.landings.load(Ordering::Acquire)
    }

    /// Counts the end of a flight.
    pub(super) fn land(&self) {
        self.landings.fetch_add(1, Ordering::Release);
    }

    /// When what stands here ends to count; nothing while a flight is on.
    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        let last = self.last.try_lock().ok()?;
        let until = last.as_ref().and_then(|flight| flight.until);
        Some(until.unwrap_or(Timestamp::EPOCH))
    }
}

impl<V> InFlight<V> {
    pub(super) fn loaded(
        outcome: Result<Option<V>>,
        generation: Option<u64>,
        until: Option<Timestamp>,
    ) -> Self {
        Self {
            outcome: outcome.map(|value| value.map(Arc::new)),
            generation,
            until,
        }
    }

    /// Whether it serves those who come at `now`.
    pub(super) fn counts(&self, now: Timestamp) -> bool {
        self.generation.is_some() && self.until.is_some_and(|until| until > now)
    }

    /// What it brought, for one more caller.
    pub(super) fn outcome(&self) -> Result<Option<Arc<V>>> {
        match &self.outcome {
            Ok(value) => Ok(value.clone()),
            Err(Error::Invalid(errors)) => Err(Error::Invalid(errors.clone())),
            Err(Error::Refused(refusal)) => Err(Error::Refused(refusal.clone())),
            Err(Error::PasswordRejected(violation)) => {
                Err(Error::PasswordRejected(violation.clone()))
            }
            Err(Error::Internal(cause)) => Err(Error::internal(cause)),
        }
    }
}
