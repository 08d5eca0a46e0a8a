//! Lambda: environments that run the functions, and the ways to invoke them.
//!
//! An environment is a real process of the built binary. It talks to its own little server in the
//! [Runtime API]'s protocol, has one event at a time, and is ended when it is idle for long. What
//! differs from Lambda: an environment is not frozen between events, memory is not limited, and
//! retries of asynchronous invocations come after seconds where Lambda waits minutes.
//!
//! [Runtime API]: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

mod asynchronous;
pub(crate) mod endpoint;
mod environment;
mod pool;
mod process;
pub mod runtime_api;
#[cfg(test)]
pub(crate) mod tests;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::watch;

use self::{asynchronous::Asynchronous, pool::Pool, process::Program};
use crate::{
    invoke::{InvokeError, Invoker},
    journal::Journal,
    template::Model,
};

/// How the functions are run.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Executables of the functions, by logical id.
    pub(crate) executables: BTreeMap<String, PathBuf>,
    /// Environment variables which every function gets beside its own: where the services are.
    pub(crate) services: BTreeMap<String, String>,
    /// Most environments of one function.
    pub(crate) max_environments: usize,
    /// Most events that may wait for an environment of one function.
    pub(crate) max_waiting: usize,
    /// An environment without an event for this long is ended.
    pub(crate) idle_after: Duration,
    /// Wait before the first retry of an asynchronous invocation; doubled for the second.
    /// Lambda waits one minute, then two.
    pub(crate) async_retry_delay: Duration,
    /// Whether lines of the functions are also shown on the terminal.
    pub(crate) echo: bool,
}

/// The functions of a template. Clones are handles to the same environments.
#[derive(Debug, Clone)]
pub struct Lambda(Arc<Inner>);

/// By the logical ids of the functions.
type Pools = BTreeMap<String, Arc<Pool>>;

#[derive(Debug)]
struct Inner {
    pools: Arc<Pools>,
    asynchronous: Asynchronous,
    life: Life,
}

impl Lambda {
    /// The functions of `model`. No process starts before the first event. To be called within a
    /// runtime, which ends idle environments.
    pub(crate) fn new(model: &Model, settings: Settings, journal: &Journal) -> Self {
        let life = Life::default();
        let settings = Arc::new(settings);
        let pool = |(id, function): (&String, _)| {
            let program = Program {
                id: id.clone(),
                function: Clone::clone(function),
                settings: Arc::clone(&settings),
            };
            let pool = Pool::new(program, journal.clone(), life.clone());
            (id.clone(), Arc::new(pool))
        };
        let pools: Arc<Pools> = Arc::new(model.functions.iter().map(pool).collect());
        tokio::spawn(retire(
            Arc::clone(&pools),
            settings.idle_after,
            life.clone(),
        ));
        Self(Arc::new(Inner {
            pools,
            asynchronous: Asynchronous::new(journal.clone(), settings.async_retry_delay),
            life,
        }))
    }

    /// Process ids of the environments of `function`.
    pub fn processes(&self, function: &str) -> Vec<u32> {
        let processes = self.0.life.processes.borrow();
        let own = processes.iter().filter(|(_, of)| *of == function);
        own.map(|(process, _)| *process).collect()
    }

    /// Waits until every asynchronous invocation is done or given up: none is in flight, or waits
    /// for its next attempt.
    pub async fn settled(&self) {
        self.0.asynchronous.settled().await;
    }

    /// Ends every environment. Events that are not answered get [`InvokeError::Stopping`].
    pub(crate) fn stop(&self) {
        self.0.life.over.send_replace(true);
        for pool in self.0.pools.values() {
            pool.close();
        }
    }

    /// Waits until every process has ended after [`Lambda::stop`].
    pub(crate) async fn stopped(&self) {
        let mut processes = self.0.life.processes.subscribe();
        // The sender lives in `self`, so the channel cannot be closed here.
        let _none = processes.wait_for(BTreeMap::is_empty).await;
    }
}

#[async_trait]
impl Invoker for Lambda {
    async fn call(&self, function: &str, payload: Value) -> Result<Value, InvokeError> {
        let pool = self.0.pools.get(function);
        let pool = pool.ok_or_else(|| InvokeError::Unknown(function.to_owned()))?;
        pool.call(payload).await
    }

    fn send(&self, function: &str, payload: Value) {
        let Some(pool) = self.0.pools.get(function).cloned() else {
            tracing::error!(
                function,
                "an event source names a function that is not there"
            );
            return;
        };
        let event = asynchronous::Event::new(&pool.program, payload);
        // Lambda keeps asynchronous events in a queue of its own, which is not bounded.
        let run = move |id, payload| {
            let pool = Arc::clone(&pool);
            async move { pool.run(id, payload, None).await }
        };
        self.0.asynchronous.send(event, run);
    }
}

/// Ends environments that are idle for long, and in the end all.
async fn retire(pools: Arc<Pools>, idle_after: Duration, life: Life) {
    let period = (idle_after / 10).clamp(Duration::from_millis(10), Duration::from_mins(1));
    while !life.is_over() {
        let _elapsed = tokio::time::timeout(period, life.ended()).await;
        for pool in pools.values() {
            pool.retire().await;
        }
    }
}

/// Whether the stack lives, and the processes that do. Clones share it.
#[derive(Debug, Clone, Default)]
struct Life {
    over: watch::Sender<bool>,
    /// Ids of the processes, each with the logical id of its function.
    processes: watch::Sender<BTreeMap<u32, String>>,
}

impl Life {
    fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Waits for the end of the stack.
    async fn ended(&self) {
        let mut over = self.over.subscribe();
        // The sender lives in `self`, so the channel cannot be closed here.
        let _over = over.wait_for(|over| *over).await;
    }
}
