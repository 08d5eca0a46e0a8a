//! Events that wait for an environment.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::sync::{Notify, oneshot};

use crate::invoke::InvokeError;

/// What a function answers.
pub(super) type Answer = Result<Value, InvokeError>;

/// One event for a function, and the channel of its answer.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) request_id: String,
    pub(super) payload: Value,
    /// Dropped without an answer when the stack goes down.
    pub(super) reply: oneshot::Sender<Answer>,
}

/// A queue, first in, first out.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    waiting: Mutex<VecDeque<Job>>,
    added: Notify,
}

impl Jobs {
    /// Adds a job at the end, unless `most` jobs wait already; says whether it did.
    pub(super) fn push(&self, job: Job, most: usize) -> bool {
        let mut waiting = self.lock();
        let has_room = waiting.len() < most;
        if has_room {
            waiting.push_back(job);
            self.added.notify_one();
        }
        has_room
    }

    /// Puts a job back at the head: whoever took it could not even begin.
    pub(super) fn put_back(&self, job: Job) {
        self.lock().push_front(job);
        self.added.notify_one();
    }

    /// Takes the next job, and waits for one if there is none. A caller that is dropped takes none.
    pub(super) async fn pop(&self) -> Job {
        loop {
            if let Some(job) = self.try_pop() {
                return job;
            }
            // A permit is stored if a job came between the look and the wait.
            self.added.notified().await;
        }
    }

    /// Takes the next job if there is one.
    pub(super) fn try_pop(&self) -> Option<Job> {
        let mut waiting = self.lock();
        let job = waiting.pop_front();
        if !waiting.is_empty() {
            // Two jobs may have left only one permit: whoever takes the first wakes the next.
            self.added.notify_one();
        }
        job
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Drops all jobs, so that their callers learn that nobody will answer.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
