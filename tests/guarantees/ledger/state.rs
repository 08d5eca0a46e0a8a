//! A state of the model.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use shared::application::ports::{LeaseKey, SendOutcome};
use testing::FakeBackend;

use super::worker::Reply;

#[derive(Clone)]
pub(super) struct State {
    /// The leases and the mails. Never changed: each step makes a fork.
    pub(super) backend: Arc<FakeBackend>,
    /// The answers that the workers got; none of those without an event.
    pub(super) workers: [Option<Vec<Reply>>; 2],
    pub(super) key: Option<LeaseKey>,
    pub(super) deliveries: u8,
    pub(super) faults: u8,
    pub(super) expiries: u8,
    pub(super) reports: u8,
    /// A worker dealt with the event.
    pub(super) acknowledged: bool,
    /// Mails that left, whose worker ended before the ledger knew of any.
    pub(super) unnoted: usize,
    /// A worker won the lease although the ledger knew what became of the mail.
    pub(super) won_after_done: bool,
}

impl State {
    /// All of it that matters for what comes.
    fn summary(&self) -> String {
        let Self {
            backend: _,
            workers,
            key: _,
            deliveries,
            faults,
            expiries,
            reports,
            acknowledged,
            unnoted,
            won_after_done,
        } = self;
        let left = (deliveries, faults, expiries, reports);
        let flags = (acknowledged, unnoted, won_after_done);
        let ledger = self.backend.ledger();
        format!("{ledger} {} {workers:?} {left:?} {flags:?}", self.sent())
    }

    pub(super) fn sent(&self) -> usize {
        self.backend.mails_from(0).len()
    }

    /// What became of the mail, if the ledger knows.
    pub(super) fn outcome(&self) -> Option<String> {
        let result = self.backend.lease_result(self.key.as_ref()?)?;
        Some(result["outcome"].as_str().expect("an outcome").to_owned())
    }

    /// The worker ends.
    pub(super) fn end(&mut self, worker: usize) {
        let replies = self.workers[worker].take().unwrap_or_default();
        let is_sent = |reply: &Reply| matches!(reply, Reply::Sent(SendOutcome::Accepted));
        let sent_by_it = replies.iter().any(is_sent);
        if sent_by_it && self.outcome().is_none() {
            self.unnoted += 1;
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.summary() == other.summary()
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.summary().hash(hasher);
    }
}
