//! Event source mappings: what is written to a table goes, in order, to the functions that
//! follow its stream.
//!
//! A mapping reads when the tables' HTTP layer notes a write, and polls slowly beside that, for
//! writes past that layer. The shard blocks while a batch is retried, as
//! Lambda's does.
//!
//! # Where it differs from Lambda
//! - A partial failure moves the checkpoint to the failed record, and the remaining records get
//!   all retries anew. If the first record is the failed one, the batch is halved (with
//!   `BisectBatchOnFunctionError`) as after any other error.
//! - There is no batching window, no parallelisation factor and no tumbling window.
//! - Records are given up by count or age as configured, never because the stream ends.

mod batch;
mod failure;
mod outcome;
mod position;
mod shard;
#[cfg(test)]
mod tests;

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use tokio::{sync::watch, task::JoinSet};

use self::{position::Position, shard::Shard};
use crate::{
    dynamodb::{Dynamo, Stream},
    invoke::SharedInvoker,
    journal::Journal,
    template::Mapping,
};

/// How long mappings wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Between two reads without a noted write.
    pub(crate) poll: Duration,
    /// Before the first retry of a batch; doubled for each further one.
    pub(crate) retry: Duration,
    /// Longest wait before a retry.
    pub(crate) longest_retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(2),
            retry: Duration::from_millis(100),
            longest_retry: Duration::from_secs(5),
        }
    }
}

/// The running mappings. They end when this is dropped.
pub struct Mappings {
    progress: Vec<Progress>,
    _tasks: JoinSet<()>,
}

/// How far a mapping is.
struct Progress {
    /// Writes to the table so far.
    writes: watch::Receiver<u64>,
    /// The number of writes after which the mapping found nothing left to do.
    caught_up: watch::Receiver<Option<u64>>,
}

impl Mappings {
    /// Starts the mappings on the streams of `dynamo`. With a data directory, each goes on
    /// where it was; what was delivered just before the stack ended may be delivered again.
    ///
    /// # Errors
    /// If a table has no stream, or a position cannot be read; the error names the mapping.
    pub(crate) async fn start(
        dynamo: &Dynamo,
        mappings: Vec<Mapping>,
        invoker: &SharedInvoker,
        journal: &Journal,
        data: Option<&Path>,
        pace: Pace,
    ) -> anyhow::Result<Self> {
        let mut progress = Vec::new();
        let mut tasks = JoinSet::new();
        for mapping in mappings {
            let opened = open(dynamo, &mapping, data).await;
            let (stream, position) = opened.with_context(|| format!("mapping {}", mapping.id))?;
            let (caught_up, caught_up_seen) = watch::channel(None);
            progress.push(Progress {
                writes: stream.writes.clone(),
                caught_up: caught_up_seen,
            });
            let shard = Shard {
                mapping,
                stream,
                position,
                invoker: invoker.clone(),
                journal: journal.clone(),
                pace,
                caught_up,
            };
            tasks.spawn(shard.run());
        }
        Ok(Self {
            progress,
            _tasks: tasks,
        })
    }

    /// Waits until each mapping has dealt with every write that was answered before this call:
    /// the outbox is empty. A mapping that is retrying is not done. Bound it with
    /// [`tokio::time::timeout`].
    pub async fn idle(&self) {
        for Progress { writes, caught_up } in &self.progress {
            let wanted = *writes.borrow();
            let mut caught_up = caught_up.clone();
            let done = caught_up.wait_for(|seen| seen.is_some_and(|seen| seen >= wanted));
            if done.await.is_err() {
                // The mapping has ended, so the stack is stopping: nothing more will happen.
                std::future::pending::<()>().await;
            }
        }
    }
}

async fn open(
    dynamo: &Dynamo,
    mapping: &Mapping,
    data: Option<&Path>,
) -> anyhow::Result<(Stream, Position)> {
    let stream = dynamo.stream(&mapping.table)?;
    let position = Position::open(data, mapping, &stream).await?;
    Ok((stream, position))
}
