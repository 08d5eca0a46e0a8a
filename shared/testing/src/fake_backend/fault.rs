//! Faults: what can go wrong with a call of a port, tried at every call.

use std::{fmt::Display, future::Future, sync::Arc, time::Duration};

use super::{FakeBackend, lock};

/// One thing that goes wrong at one call. The number is that of the call, from 0, since the fault was
/// set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process stops before the call has an effect.
    StopBefore(usize),
    /// The process stops after the call had its effect.
    StopAfter(usize),
    /// The call has its effect, but the caller gets an error and goes on.
    LoseReply(usize),
    /// The call has no effect. The caller gets an error and goes on.
    Fail(usize),
}

/// A fault that is due, or that happened.
#[derive(Debug)]
pub(super) struct Armed {
    fault: Fault,
    /// The name of the call at which it happened.
    at: Option<&'static str>,
}

impl Armed {
    /// What happens at the next call, which has this name.
    pub(super) fn next(&mut self, name: &'static str) -> Outcome {
        let outcome = self.fault.next();
        if outcome != Outcome::Normal {
            self.at = Some(name);
        }
        outcome
    }
}

/// What happens at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Normal,
    StopBefore,
    StopAfter,
    LoseReply,
    Fail,
}

/// In place of the number of a call: the fault happened.
const HAPPENED: usize = usize::MAX;

impl Fault {
    /// The four ways in which the call of this number can go wrong.
    pub fn at(call: usize) -> [Self; 4] {
        [
            Self::StopBefore(call),
            Self::StopAfter(call),
            Self::LoseReply(call),
            Self::Fail(call),
        ]
    }

    fn next(&mut self) -> Outcome {
        let (left, outcome) = match self {
            Self::StopBefore(left) => (left, Outcome::StopBefore),
            Self::StopAfter(left) => (left, Outcome::StopAfter),
            Self::LoseReply(left) => (left, Outcome::LoseReply),
            Self::Fail(left) => (left, Outcome::Fail),
        };
        match *left {
            0 => {
                *left = HAPPENED;
                outcome
            }
            HAPPENED => Outcome::Normal,
            _ => {
                *left -= 1;
                Outcome::Normal
            }
        }
    }
}

impl FakeBackend {
    /// Runs `work` with one fault. Returns its outcome, or nothing if the process stopped; and true if
    /// the fault happened, which it does not if there are too few calls.
    pub async fn with_fault<T>(
        &self,
        fault: Fault,
        work: impl Future<Output = T>,
    ) -> (Option<T>, bool) {
        self.arm(fault);
        let outcome = self.run(work).await;
        (outcome, self.disarm().is_some())
    }

    /// From now on `fault` is due, whichever process makes the call.
    pub fn arm(&self, fault: Fault) {
        *lock(&self.fault) = Some(Armed { fault, at: None });
    }

    /// Runs `work` as one process. Returns nothing if the process stopped.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            outcome = work => Some(outcome),
            () = self.stopped.notified() => None,
        }
    }

    /// No fault is due any more. Returns the name of the call at which one happened.
    pub fn disarm(&self) -> Option<&'static str> {
        lock(&self.fault).take()?.at
    }

    /// Runs `scenario` with each kind of fault at the first call, the second, and so on. The scenario
    /// begins with a new backend each time, and returns true if the fault happened; once it did not,
    /// there are no more calls. Returns the number of faults that happened.
    pub async fn try_every_fault(scenario: impl AsyncFn(Fault) -> bool) -> usize {
        let mut tried = 0;
        for kind in 0..4 {
            let mut call = 0;
            while scenario(Fault::at(call)[kind]).await {
                call += 1;
            }
            tried += call;
        }
        tried
    }

    /// The test that work which is delivered again after a failure, such as an event, survives every
    /// fault. `work` runs with a fault, leases run out, `work` runs again and must succeed; then
    /// `is_done` must be true. `given` prepares each new backend.
    ///
    /// Returns the calls that `work` makes without a fault: each failed in each way.
    pub async fn survives_every_fault<G, T, E: Display>(
        given: impl AsyncFn(&Arc<Self>) -> G,
        work: impl AsyncFn(&Arc<Self>, &G) -> Result<T, E>,
        is_done: impl AsyncFn(&Arc<Self>, &G) -> bool,
    ) -> Vec<&'static str> {
        let tried = Self::try_every_fault(async |fault| {
            let backend = Self::new();
            let given = given(&backend).await;
            let (_, happened) = backend.with_fault(fault, work(&backend, &given)).await;
            backend.advance(LEASES_RUN_OUT);
            if let Err(error) = work(&backend, &given).await {
                panic!("{fault:?}: the second delivery fails: {error}");
            }
            assert!(is_done(&backend, &given).await, "{fault:?}: is not done");
            happened
        })
        .await;
        let backend = Self::new();
        let given = given(&backend).await;
        backend.clear_trace();
        let undisturbed = work(&backend, &given).await;
        assert!(undisturbed.is_ok(), "fails without a fault");
        assert_eq!(
            tried,
            4 * backend.trace().len(),
            "calls are in a fixed order"
        );
        backend.trace()
    }
}

/// Longer than a worker holds a lease.
pub(crate) const LEASES_RUN_OUT: Duration = Duration::from_mins(1);
