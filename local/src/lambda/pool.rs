//! The environments of one function: how many there are, and which events they get.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    Life, environment,
    jobs::{Answer, Job, Jobs},
    process::Program,
};
use crate::{
    invoke::InvokeError,
    journal::{Happening, Journal},
};

/// The environments of one function and the events waiting for them.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) program: Program,
    pub(super) jobs: Jobs,
    pub(super) life: Life,
    pub(super) journal: Journal,
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

impl Pool {
    pub(super) fn new(program: Program, journal: Journal, life: Life) -> Self {
        Self {
            program,
            jobs: Jobs::default(),
            life,
            journal,
            places: Mutex::default(),
        }
    }

    /// Runs the function once and waits for its answer, unless `most` events wait already.
    pub(super) async fn run(
        self: &Arc<Self>,
        request_id: String,
        payload: Value,
        most: usize,
    ) -> Result<Value, InvokeError> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            request_id,
            payload,
            reply,
        };
        if !self.jobs.push(job, most) {
            return Err(InvokeError::Throttled);
        }
        self.ensure();
        answer.await.unwrap_or(Err(InvokeError::Stopping))
    }

    /// Starts environments while events wait that no environment is free for.
    pub(super) fn ensure(self: &Arc<Self>) {
        if *self.life.over.borrow() {
            self.jobs.clear();
            return;
        }
        let mut places = self.places();
        let waiting = self.jobs.len();
        while places.free() < waiting && places.taken.len() < self.program.settings.max_environments
        {
            let id = places.next;
            places.next += 1;
            places.taken.insert(id, Place::default());
            let alive = self.life.environments.enter();
            tokio::spawn(environment::run(Arc::clone(self), id, alive));
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
        let places = self.places();
        let processes = places.taken.values().map(|place| place.process);
        processes.flatten().collect()
    }

    /// Notes that a run ended, and tells the caller, who may have left.
    pub(super) fn answer(&self, job: Job, cold: bool, took: Duration, result: Answer) {
        self.journal.append(Happening::Invocation {
            function: self.program.id.clone(),
            request_id: job.request_id,
            cold,
            micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            error: result.as_ref().err().map(ToString::to_string),
        });
        let _caller_left = job.reply.send(result);
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
