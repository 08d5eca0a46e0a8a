//! Faults, and the loops that try each of them at every call.

use std::future::Future;

use domain::Result;

use super::{FakeBackend, lock};

/// What goes wrong, and at which call, counted from 0 and from when the fault was set.
///
/// A crash and a lost answer are different faults: after a crash nobody goes on; after a lost
/// answer the caller goes on and believes that nothing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before the call has an effect.
    CrashBefore(usize),
    /// The process dies after the call had its effect.
    CrashAfter(usize),
    /// The call has its effect, its answer is an error.
    LoseReply(usize),
    /// The call has no effect, its answer is an error.
    Fail(usize),
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It works.
    Normal,
    /// See [`Fault::Fail`].
    Fail,
    /// See [`Fault::LoseReply`].
    LoseReply,
    /// See [`Fault::CrashBefore`].
    CrashBefore,
    /// See [`Fault::CrashAfter`].
    CrashAfter,
}

impl Fault {
    /// Counts one call.
    pub(super) fn next(&mut self) -> Outcome {
        let (left, outcome) = match self {
            Self::CrashBefore(left) => (left, Outcome::CrashBefore),
            Self::CrashAfter(left) => (left, Outcome::CrashAfter),
            Self::LoseReply(left) => (left, Outcome::LoseReply),
            Self::Fail(left) => (left, Outcome::Fail),
        };
        match *left {
            0 => {
                *left = usize::MAX;
                outcome
            }
            // The fault has fired.
            usize::MAX => Outcome::Normal,
            _ => {
                *left -= 1;
                Outcome::Normal
            }
        }
    }

    fn has_fired(self) -> bool {
        let (Self::CrashBefore(left)
        | Self::CrashAfter(left)
        | Self::LoseReply(left)
        | Self::Fail(left)) = self;
        left == usize::MAX
    }
}

impl FakeBackend {
    /// Runs `work` with `fault` in place. Gives its answer, or nothing if the process died; and
    /// whether the fault fired at all.
    pub async fn with_fault<T>(
        &self,
        fault: Fault,
        work: impl Future<Output = Result<T>>,
    ) -> (Option<Result<T>>, bool) {
        *lock(&self.fault) = Some(fault);
        let answer = tokio::select! {
            answer = work => Some(answer),
            () = self.crashed.notified() => None,
        };
        let fired = lock(&self.fault).take().is_some_and(Fault::has_fired);
        (answer, fired)
    }

    /// Tries every fault at every call: for each, a fresh `scenario` runs with the fault in place
    /// until it says that the fault did not fire. Gives how many faults fired.
    pub async fn try_every_fault(scenario: impl AsyncFn(Fault) -> bool) -> usize {
        let kinds = [
            Fault::CrashBefore,
            Fault::CrashAfter,
            Fault::LoseReply,
            Fault::Fail,
        ];
        let mut tried = 0;
        for kind in kinds {
            let mut call = 0;
            while scenario(kind(call)).await {
                call += 1;
            }
            tried += call;
        }
        tried
    }
}
