//! The environments of one function: how many there are, and which events they get.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::{oneshot, watch};

use super::{
    environment,
    jobs::{Job, Jobs},
    process::Program,
};
use crate::{
    invoke::InvokeError,
    journal::{Happening, Journal},
};

/// How much of everything one function may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) environments: usize,
    pub(super) waiting: usize,
    pub(super) idle: Duration,
}

/// Whether an event is refused when too many wait.
#[derive(Debug, Clone, Copy)]
pub(super) enum Admission {
    Bounded,
    Unbounded,
}

/// The environments of one function and the events waiting for them.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) program: Program,
    pub(super) limits: Limits,
    pub(super) jobs: Jobs,
    pub(super) life: Life,
    journal: Journal,
    places: Mutex<Places>,
}

/// The environments that are there.
#[derive(Debug, Default)]
struct Places {
    next: u64,
    taken: BTreeMap<u64, Place>,
}

#[derive(Debug, Default)]
struct Place {
    process: Option<u32>,
    busy: bool,
}

/// A run that ended.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) request_id: String,
    pub(super) cold: bool,
    pub(super) took: Duration,
}

impl Pool {
    pub(super) fn new(program: Program, limits: Limits, journal: Journal, life: Life) -> Self {
        Self {
            program,
            limits,
            jobs: Jobs::default(),
            life,
            journal,
            places: Mutex::default(),
        }
    }

    /// Runs the function once and waits for its answer.
    pub(super) async fn run(
        self: &Arc<Self>,
        request_id: String,
        payload: Value,
        admission: Admission,
    ) -> Result<Value, InvokeError> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            request_id,
            payload,
            reply,
        };
        let most = match admission {
            Admission::Bounded => self.limits.waiting,
            Admission::Unbounded => usize::MAX,
        };
        self.jobs
            .push(job, most)
            .map_err(|_refused| InvokeError::Throttled)?;
        self.ensure();
        answer.await.unwrap_or(Err(InvokeError::Stopping))
    }

    /// Starts environments while events wait that no environment is free for.
    pub(super) fn ensure(self: &Arc<Self>) {
        if self.life.is_over() {
            self.jobs.clear();
            return;
        }
        let mut places = self.places();
        let waiting = self.jobs.len();
        while places.free() < waiting && places.taken.len() < self.limits.environments {
            let id = places.next;
            places.next += 1;
            places.taken.insert(id, Place::default());
            tokio::spawn(environment::run(Arc::clone(self), id, self.life.enter()));
        }
    }

    /// Notes the process of environment `id`.
    pub(super) fn started(&self, id: u64, process: Option<u32>) {
        if let Some(place) = self.places().taken.get_mut(&id) {
            place.process = process;
        }
    }

    /// Notes that environment `id` has an event, or has none any more.
    pub(super) fn set_busy(self: &Arc<Self>, id: u64, busy: bool) {
        if let Some(place) = self.places().taken.get_mut(&id) {
            place.busy = busy;
        }
        // An event may have come in while this environment still counted as free for it.
        self.ensure();
    }

    /// Takes environment `id` out, and makes room for another where events wait.
    pub(super) fn ended(self: &Arc<Self>, id: u64) {
        self.places().taken.remove(&id);
        self.ensure();
    }

    pub(super) fn processes(&self) -> Vec<u32> {
        self.places()
            .taken
            .values()
            .filter_map(|place| place.process)
            .collect()
    }

    /// Writes a run into the journal.
    pub(super) fn record(&self, run: Run, error: Option<String>) {
        self.journal.append(Happening::Invocation {
            function: self.program.id.clone(),
            request_id: run.request_id,
            cold: run.cold,
            micros: u64::try_from(run.took.as_micros()).unwrap_or(u64::MAX),
            error,
        });
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn free(&self) -> usize {
        self.taken.values().filter(|place| !place.busy).count()
    }
}

/// Whether the stack lives, and how many environments do. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Life {
    over: watch::Sender<bool>,
    environments: watch::Sender<usize>,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            over: watch::Sender::new(false),
            environments: watch::Sender::new(0),
        }
    }
}

impl Life {
    pub(super) fn stop(&self) {
        self.over.send_replace(true);
    }

    pub(super) fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Waits for the end of the stack.
    pub(super) async fn over(&self) {
        let mut over = self.over.subscribe();
        // The sender lives in `self`, so the channel cannot be closed here.
        let _over = over.wait_for(|over| *over).await;
    }

    /// Waits until no environment is left.
    pub(super) async fn ended(&self) {
        let mut environments = self.environments.subscribe();
        // As above.
        let _none = environments.wait_for(|count| *count == 0).await;
    }

    /// Counts an environment for as long as the result lives.
    fn enter(&self) -> Alive {
        self.environments.send_modify(|count| *count += 1);
        Alive(self.environments.clone())
    }
}

/// A living environment.
#[derive(Debug)]
pub(super) struct Alive(watch::Sender<usize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
