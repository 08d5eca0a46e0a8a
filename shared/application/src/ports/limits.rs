//! What holds processes back: rate limits and leases.

use std::{fmt, str::FromStr, time::Duration};

use async_trait::async_trait;
use domain::{
    DomainEvent, Result, Timestamp, UserId,
    attempt::{AttemptKey, Limit},
    audit::Trace,
};
use serde_json::Value;

/// Counts attempts.
#[async_trait]
pub trait Attempts: Send + Sync {
    /// Spends one attempt, unless there is none now. Atomic: however many are spent at once, no more
    /// than `limit` allows are acquired.
    async fn spend(&self, key: &AttemptKey, limit: &Limit) -> Result<Acquisition>;

    /// Refunds one attempt that was just spent, as if it had not been: nothing is left of the first one.
    /// Not idempotent: a repetition after a lost reply refunds two.
    async fn refund(&self, key: &AttemptKey) -> Result<()>;

    /// Resets the counter. Idempotent.
    async fn clear(&self, key: &AttemptKey) -> Result<()>;

    /// Notes, together with the event, that attempts are refused until a time; once for each time.
    async fn announce(&self, key: &AttemptKey, until: Timestamp, lock: &Lock) -> Result<()>;

    /// The announced locks of a user, of the last [`LOCK_KEPT`](domain::sign_ins::LOCK_KEPT).
    async fn locks(&self, user: UserId) -> Result<Vec<Lock>>;

    /// Removes them. Idempotent.
    async fn forget_locks(&self, user: UserId) -> Result<()>;
}

/// That attempts are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    pub event: DomainEvent,
    /// From where the attempt came that was refused first.
    pub from: Trace,
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
        /// True if an event of this lockout was written already.
        announced: bool,
    },
}

/// Leases: the state machine behind `Idempotency-Key` and the mail ledger.
///
/// ```text
/// absent ──claim──▶ claimed (lease, fence 1) ──settle──▶ done (result)
///                      │        ▲
///                lease runs out │
///                      └─claim──┘ (fence + 1, the reserved values stay)
/// ```
///
/// A worker that dies leaves a lease that runs out; the next holder gets a higher
/// fence, and the dead worker, should it still live, can settle nothing. What was reserved with the
/// first lease is given to every later holder, so that all of them do the same thing.
#[async_trait]
pub trait Leases: Send + Sync {
    /// True if there is such a lease, done or not. Strongly consistent.
    async fn exists(&self, key: &LeaseKey) -> Result<bool>;

    /// Takes the lease, unless it is done or another worker holds it.
    async fn claim(&self, key: &LeaseKey, options: &LeaseOptions) -> Result<Claimed>;

    /// Marks a held lease as done. False if it was taken over or settled meanwhile.
    async fn settle(&self, lease: &Lease, result: &Value) -> Result<bool>;

    /// Releases a held lease unfinished: the next may take it at once. Nothing happens if it was taken
    /// over.
    async fn release(&self, lease: &Lease) -> Result<()>;

    /// Marks a lease as done because a witness says so, no matter who holds it. False if there is no such
    /// lease or it was done before.
    async fn witness(&self, key: &LeaseKey, result: &Value) -> Result<bool>;
}

/// What leases are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// One sign-up for one `Idempotency-Key`.
    SignUp,
    /// One change of password for one `Idempotency-Key`.
    PasswordChange,
    /// One erasure for one `Idempotency-Key`.
    Erasure,
    /// One mail for one event.
    Mail,
}

impl Purpose {
    /// The name by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::PasswordChange => "password-change",
            Self::Erasure => "erasure",
            Self::Mail => "mail",
        }
    }
}

/// Identifies a lease.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseKey {
    pub purpose: Purpose,
    /// Which one. Letters, digits, `-` and `_`, so that it may be a mail tag.
    pub key: String,
}

impl LeaseKey {
    /// The key of a lease.
    pub fn new(purpose: Purpose, key: impl Into<String>) -> Self {
        Self {
            purpose,
            key: key.into(),
        }
    }
}

impl fmt::Display for LeaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.purpose.as_str(), self.key)
    }
}

impl FromStr for Purpose {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        [
            Self::SignUp,
            Self::PasswordChange,
            Self::Erasure,
            Self::Mail,
        ]
        .into_iter()
        .find(|purpose| purpose.as_str() == raw)
        .ok_or_else(|| "is not a purpose of leases".to_owned())
    }
}

/// Options for taking a lease.
#[derive(Debug, Clone, PartialEq)]
pub struct LeaseOptions {
    /// Distinguishes requests under one key; the first one's stays.
    pub fingerprint: String,
    /// Values for every holder; the first one's stay.
    pub reserved: Value,
    /// How long the holder may take.
    pub lease: Duration,
    /// How long the lease is kept, done or not.
    pub retention: Duration,
}

/// The outcome of claiming.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// This call took it.
    Won(Lease),
    /// Another worker holds it.
    Running {
        /// The fingerprint it was first claimed with.
        fingerprint: String,
    },
    Done(Settled),
}

/// A lease that is ours until its lease runs out.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    pub key: LeaseKey,
    /// How often it was taken.
    pub fence: u64,
    /// The fingerprint it was first claimed with.
    pub fingerprint: String,
    /// What was reserved when it was first claimed.
    pub reserved: Value,
    /// The holder before let the lease run out without a word: nobody knows how far it came.
    pub abandoned: bool,
}

/// A lease that is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The fingerprint it was first claimed with.
    pub fingerprint: String,
    /// As settled.
    pub result: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_is_its_name() {
        for purpose in [
            Purpose::SignUp,
            Purpose::PasswordChange,
            Purpose::Erasure,
            Purpose::Mail,
        ] {
            assert_eq!(purpose.as_str().parse(), Ok(purpose));
        }
        assert!("mails".parse::<Purpose>().is_err());
    }
}
