//! Every fault at every call of a step.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use shared::domain::mail::MailGuarantee;
use testing::Fault;

use crate::{
    outcome::{Outcome, assert_guarantees},
    world::World,
};

/// Tries steps, and counts.
pub(crate) struct Trials {
    /// Whose step it is, for messages.
    pub(crate) name: String,
    /// One in so many faults is tried.
    pub(crate) stride: usize,
    /// The number of faults so far, tried or not.
    met: Cell<usize>,
    pub(crate) tried: Cell<usize>,
    /// Names of the calls at which something went wrong.
    pub(crate) calls: RefCell<BTreeSet<&'static str>>,
}

/// Says what was tried when an assertion fails.
struct Note(String);

impl Drop for Note {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in the trial {}", self.0);
        }
    }
}

impl Trials {
    pub(crate) fn new(name: String, stride: usize) -> Self {
        Self {
            name,
            stride,
            met: Cell::default(),
            tried: Cell::default(),
            calls: RefCell::default(),
        }
    }

    /// Takes `step` in a world of its own for each kind of fault at the first call, the second, and so on,
    /// until no call is left. Each time the guarantees hold, and the outcome is that without a fault.
    pub(crate) async fn try_every_fault<'a>(
        &self,
        route: &str,
        fork: impl Fn() -> World<'a>,
        step: impl AsyncFn(&World<'a>),
    ) {
        let world = fork();
        let note = Note(format!("{}, {route}, without a fault", self.name));
        step(&world).await;
        let calls = world.backend.trace().len();
        assert_guarantees(&world, None).await;
        let undisturbed = Outcome::of(&world);
        drop(note);
        for kind in 0..4 {
            // A fault may cause further calls, never fewer before it: so all are met.
            for call in 0.. {
                let is_due = self.met.get().is_multiple_of(self.stride);
                if !is_due && call < calls {
                    self.met.set(self.met.get() + 1);
                    continue;
                }
                let fault = Fault::at(call)[kind];
                let _note = Note(format!("{}, {route}, {fault:?}", self.name));
                let world = fork();
                world.backend.arm(fault);
                step(&world).await;
                let Some(at) = world.backend.disarm() else {
                    break;
                };
                self.met.set(self.met.get() + 1);
                self.tried.set(self.tried.get() + 1);
                self.calls.borrow_mut().insert(at);
                assert_guarantees(&world, Some((fault, at))).await;
                let may_lose = world.travel().guarantee == MailGuarantee::NeverTwice;
                Outcome::of(&world).assert_same(&undisturbed, may_lose);
            }
        }
    }
}
