//! The environments of one function: which of them runs an event, and how long they live.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::{
    Life,
    environment::{Environment, Run},
    process::Program,
};
use crate::{
    invoke::InvokeError,
    journal::{Happening, Journal},
};

/// The environments of one function.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) program: Program,
    life: Life,
    journal: Journal,
    /// A permit for each environment that may have an event.
    slots: Semaphore,
    /// A permit for each event whose caller waits, whether it runs or has to wait for a slot.
    places: Arc<Semaphore>,
    /// Environments without an event, the last used one at the end.
    idle: Mutex<Vec<Environment>>,
}

impl Pool {
    pub(super) fn new(program: Program, journal: Journal, life: Life) -> Self {
        let settings = &program.settings;
        Self {
            slots: Semaphore::new(settings.max_environments),
            places: Arc::new(Semaphore::new(
                settings.max_environments + settings.max_waiting,
            )),
            program,
            life,
            journal,
            idle: Mutex::default(),
        }
    }

    /// Runs the function once and waits for its answer, unless too many events wait already.
    pub(super) async fn call(self: &Arc<Self>, payload: Value) -> Result<Value, InvokeError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| InvokeError::Throttled)?;
        let id = Uuid::new_v4().to_string();
        self.run(id, payload, Some(place)).await
    }

    /// Runs the function once, however many events wait. The run goes on if its caller leaves.
    pub(super) async fn run(
        self: &Arc<Self>,
        request_id: String,
        payload: Value,
        place: Option<OwnedSemaphorePermit>,
    ) -> Result<Value, InvokeError> {
        let pool = Arc::clone(self);
        let run = tokio::spawn(async move {
            let _place = place;
            pool.serve(&request_id, &payload).await
        });
        // Only the end of the runtime cancels it.
        run.await.unwrap_or(Err(InvokeError::Stopping))
    }

    async fn serve(&self, request_id: &str, payload: &Value) -> Result<Value, InvokeError> {
        let Ok(_slot) = self.slots.acquire().await else {
            return Err(InvokeError::Stopping);
        };
        loop {
            let warm = self.idle().pop();
            let cold = warm.is_none();
            let started = match warm {
                Some(environment) => Ok(environment),
                None => Environment::start(&self.program, &self.life, &self.journal).await,
            };
            let run = match started {
                Ok(mut environment) => {
                    let run = environment.handle(&self.program, request_id, payload).await;
                    self.keep(environment, &run).await;
                    run
                }
                Err(error) => {
                    let reason = format!("cannot start {}: {error}", self.program.id);
                    Run::not_begun(InvokeError::Exited(reason))
                }
            };
            let ended_while_idle =
                !cold && run.took.is_none() && matches!(run.result, Err(InvokeError::Exited(_)));
            if !ended_while_idle {
                self.note(request_id, cold, &run);
                return run.result;
            }
        }
    }

    /// Keeps an environment for the next event, or ends it if it cannot take one.
    async fn keep(&self, environment: Environment, run: &Run) {
        let is_sound =
            run.took.is_some() && matches!(run.result, Ok(_) | Err(InvokeError::Function(_)));
        let ending = {
            let mut idle = self.idle();
            // Read under the lock: what is kept before the end is retired after it.
            if is_sound && !self.life.is_over() {
                idle.push(environment);
                None
            } else {
                Some(environment)
            }
        };
        if let Some(environment) = ending {
            environment.end().await;
        }
    }

    /// Ends the environments that have been idle for too long, or all of them once the stack stops.
    pub(super) async fn retire(&self) {
        let longest = if self.life.is_over() {
            Duration::ZERO
        } else {
            self.program.settings.idle_after
        };
        let retired: Vec<_> = self
            .idle()
            .extract_if(.., |environment| environment.is_idle_for(longest))
            .collect();
        for environment in retired {
            environment.end().await;
        }
    }

    /// Refuses the events that wait for an environment.
    pub(super) fn close(&self) {
        self.slots.close();
    }

    fn note(&self, request_id: &str, cold: bool, run: &Run) {
        let micros = run.took.unwrap_or_default().as_micros();
        self.journal.append(Happening::Invocation {
            function: self.program.id.clone(),
            request_id: request_id.to_owned(),
            cold,
            micros: u64::try_from(micros).unwrap_or(u64::MAX),
            error: run.result.as_ref().err().map(ToString::to_string),
        });
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Environment>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
