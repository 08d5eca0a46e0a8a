//! The counters behind rate limits.

use async_trait::async_trait;
use domain::{
    DomainEvent, Result, Timestamp,
    attempt::{AttemptKey, Limit},
};

/// Counts attempts.
#[async_trait]
pub trait Attempts: Send + Sync {
    /// Spends one attempt, unless there is none now. Atomic: however many are spent at once, no more
    /// than `limit` allows are acquired.
    async fn spend(&self, key: &AttemptKey, limit: &Limit) -> Result<Acquisition>;

    /// Refunds one attempt, if one is spent. Not idempotent: a repetition after a lost reply refunds
    /// two.
    async fn refund(&self, key: &AttemptKey) -> Result<()>;

    /// Resets the counter. Idempotent.
    async fn clear(&self, key: &AttemptKey) -> Result<()>;

    /// Notes, together with the event, that attempts are refused until a time; once for each time.
    async fn announce(&self, key: &AttemptKey, until: Timestamp, event: &DomainEvent)
    -> Result<()>;
}

/// The outcome of spending an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquisition {
    /// It is spent; go on.
    Acquired,
    /// There is none.
    Limited {
        /// When the next attempt is allowed.
        until: Timestamp,
        /// True if an event told of this lockout already.
        announced: bool,
    },
}
