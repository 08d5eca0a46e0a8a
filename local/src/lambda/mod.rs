//! Lambda: environments that run the functions, and the ways to invoke them.
//!
//! An environment is a real process of the built binary. It talks to its own little server in the
//! [Runtime API]'s protocol, has one event at a time, and is ended when it is idle for long. What
//! differs from Lambda: an environment is not frozen between events, memory is not limited, and
//! retries of asynchronous invocations come after seconds where Lambda waits minutes.
//!
//! [Runtime API]: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

mod asynchronous;
mod environment;
mod jobs;
mod pool;
mod process;
mod runtime_api;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use self::tests::probe;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::watch;
use uuid::Uuid;

use self::{
    asynchronous::{Asynchronous, Runs, Target},
    pool::{Life, Pool},
};
use crate::{
    invoke::{InvokeError, Invoker},
    journal::Journal,
    queue::Queues,
    template::Model,
};

/// How the functions are run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Executables of the functions, by logical id.
    pub executables: BTreeMap<String, PathBuf>,
    /// Environment variables which every function gets beside its own: where the services are.
    pub endpoints: BTreeMap<String, String>,
    /// Most environments of one function.
    pub max_environments: usize,
    /// Most events that may wait for an environment of one function.
    pub max_waiting: usize,
    /// An environment without an event for this long is ended.
    pub idle_after: Duration,
    /// Wait before the first retry of an asynchronous invocation; doubled for the second.
    /// Lambda waits one minute, then two.
    pub async_retry_delay: Duration,
    /// Whether lines of the functions are also shown on the terminal.
    pub echo: bool,
}

/// The functions of a template. Clones are handles to the same environments.
#[derive(Debug, Clone)]
pub struct Lambda {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    functions: Functions,
    targets: BTreeMap<String, Target>,
    asynchronous: Asynchronous,
    life: Life,
}

/// The pools, by the logical ids of their functions.
#[derive(Debug, Clone)]
struct Functions(Arc<BTreeMap<String, Arc<Pool>>>);

impl Lambda {
    /// The functions of `model`. No process starts before the first event.
    pub fn new(model: &Model, settings: &Settings, journal: &Journal, queues: Queues) -> Self {
        let life = Life::default();
        let mut pools = BTreeMap::new();
        let mut targets = BTreeMap::new();
        for (id, function) in &model.functions {
            let arn = model.names.arn(id).unwrap_or_default().to_owned();
            targets.insert(
                id.clone(),
                Target {
                    function: id.clone(),
                    arn: arn.clone(),
                    policy: function.asynchronous.clone(),
                },
            );
            let program = process::Program {
                id: id.clone(),
                arn,
                function: function.clone(),
                executable: settings.executables.get(id).cloned().unwrap_or_default(),
                endpoints: settings.endpoints.clone(),
                echo: settings.echo,
            };
            let limits = pool::Limits {
                environments: settings.max_environments,
                waiting: settings.max_waiting,
                idle: settings.idle_after,
            };
            let pool = Pool::new(program, limits, journal.clone(), life.clone());
            pools.insert(id.clone(), Arc::new(pool));
        }
        Self {
            inner: Arc::new(Inner {
                functions: Functions(Arc::new(pools)),
                targets,
                asynchronous: Asynchronous::new(queues, settings.async_retry_delay),
                life,
            }),
        }
    }

    /// Process ids of the environments of `function`.
    pub fn processes(&self, function: &str) -> Vec<u32> {
        self.inner
            .functions
            .0
            .get(function)
            .map_or_else(Vec::new, |pool| pool.processes())
    }

    /// Asynchronous invocations that are neither done nor given up: in flight, or waiting for
    /// their next attempt.
    pub fn pending(&self) -> usize {
        self.inner.asynchronous.pending()
    }

    /// [`Lambda::pending`] as it changes.
    pub fn subscribe_pending(&self) -> watch::Receiver<usize> {
        self.inner.asynchronous.subscribe()
    }

    /// Waits until no asynchronous invocation is pending.
    pub async fn settled(&self) {
        let mut pending = self.subscribe_pending();
        // The sender lives in `self`, so the channel cannot be closed here.
        let _zero = pending.wait_for(|pending| *pending == 0).await;
    }

    /// Ends every environment. Events that are not answered get [`InvokeError::Stopping`].
    pub fn stop(&self) {
        self.inner.life.stop();
        for pool in self.inner.functions.0.values() {
            pool.ensure();
        }
    }

    /// Waits until every process has ended after [`Lambda::stop`].
    pub async fn stopped(&self) {
        self.inner.life.ended().await;
    }
}

#[async_trait]
impl Invoker for Lambda {
    async fn call(&self, function: &str, payload: Value) -> Result<Value, InvokeError> {
        let pool = self.inner.functions.find(function)?;
        pool.run(
            Uuid::new_v4().to_string(),
            payload,
            pool::Admission::Bounded,
        )
        .await
    }

    fn send(&self, function: &str, payload: Value) {
        let Some(target) = self.inner.targets.get(function) else {
            tracing::error!(
                function,
                "an event source names a function that is not there"
            );
            return;
        };
        self.inner.asynchronous.send(
            Arc::new(self.inner.functions.clone()),
            target.clone(),
            payload,
        );
    }
}

impl Functions {
    fn find(&self, function: &str) -> Result<&Arc<Pool>, InvokeError> {
        self.0
            .get(function)
            .ok_or_else(|| InvokeError::Unknown(function.to_owned()))
    }
}

#[async_trait]
impl Runs for Functions {
    async fn run(
        &self,
        function: &str,
        request_id: &str,
        payload: Value,
    ) -> Result<Value, InvokeError> {
        // Lambda keeps asynchronous events in a queue of its own, which is not bounded by
        // the function's concurrency.
        self.find(function)?
            .run(request_id.to_owned(), payload, pool::Admission::Unbounded)
            .await
    }
}
