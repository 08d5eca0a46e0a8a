//! Claims: the state machine behind `Idempotency-Key` and the mail ledger.
//!
//! ```text
//! absent ──claim──▶ claimed (lease, fence 1) ──settle──▶ done (result)
//!                      │        ▲
//!                lease runs out │
//!                      └─claim──┘ (fence + 1, the reserved values stay)
//! ```
//!
//! A worker that dies leaves a claim whose lease runs out; whoever takes it over gets a higher
//! fence, and the dead worker, should it still live, can settle nothing. What was reserved with the
//! first claim is given to every later holder, so that all of them do the same thing.

use std::{fmt, str::FromStr, time::Duration};

use async_trait::async_trait;
use domain::Result;
use serde_json::Value;

/// The claims.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Takes the claim, unless it is done or somebody else holds it.
    async fn claim(&self, key: &ClaimKey, terms: &Terms) -> Result<Claimed>;

    /// Marks a held claim as done. False if it was taken over or settled meanwhile.
    async fn settle(&self, claim: &Claim, result: &Value) -> Result<bool>;

    /// Gives a held claim back unfinished: the next may take it at once. Fine if it was taken over.
    async fn release(&self, claim: &Claim) -> Result<()>;

    /// Marks a claim as done because a witness says so, whoever holds it. False if there is no such
    /// claim or it was done before.
    async fn witness(&self, key: &ClaimKey, result: &Value) -> Result<bool>;
}

/// What claims are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// One sign-up for one `Idempotency-Key`.
    SignUp,
    /// One mail for one event.
    Mail,
}

impl Purpose {
    /// The name by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Mail => "mail",
        }
    }
}

/// Identifies a claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey {
    /// What it is for.
    pub purpose: Purpose,
    /// Which one. Letters, digits, `-` and `_`, so that it may be a mail tag.
    pub key: String,
}

impl ClaimKey {
    /// The key of a claim.
    pub fn new(purpose: Purpose, key: impl Into<String>) -> Self {
        Self {
            purpose,
            key: key.into(),
        }
    }
}

impl fmt::Display for ClaimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.purpose.as_str(), self.key)
    }
}

impl FromStr for Purpose {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        [Self::SignUp, Self::Mail]
            .into_iter()
            .find(|purpose| purpose.as_str() == raw)
            .ok_or_else(|| "is not a purpose of claims".to_owned())
    }
}

/// On what terms a claim is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// Tells requests under one key apart; the first one's stays.
    pub fingerprint: String,
    /// Values for every holder; the first one's stay.
    pub reserved: Value,
    /// How long the holder may take.
    pub lease: Duration,
    /// How long the claim is kept, done or not.
    pub retention: Duration,
}

/// The outcome of claiming.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// It is ours.
    Won(Claim),
    /// Somebody holds it.
    Running {
        /// The fingerprint it was first claimed with.
        fingerprint: String,
    },
    /// It is done.
    Done(Settled),
}

/// A claim that is ours until its lease runs out.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Which.
    pub key: ClaimKey,
    /// How often it was taken.
    pub fence: u64,
    /// The fingerprint it was first claimed with.
    pub fingerprint: String,
    /// What was reserved when it was first claimed.
    pub reserved: Value,
    /// The holder before let the lease run out without a word: nobody knows how far it came.
    pub abandoned: bool,
}

/// A claim that is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The fingerprint it was first claimed with.
    pub fingerprint: String,
    /// What came of it.
    pub result: Value,
}
