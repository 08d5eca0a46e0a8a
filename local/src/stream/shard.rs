//! The loop of one mapping: read, filter, deliver, move on.

use std::{collections::VecDeque, time::Duration};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    Mapping, Pace,
    batch::{self, Batch},
    failure::{self, Condition},
    outcome::{self, Outcome},
    position::Position,
};
use crate::{
    dynamodb::Stream,
    invoke::{InvokeError, SharedInvoker},
    journal::{Happening, Journal},
    template::{DestinationConfig, ResponseType},
};

/// Records read at once, before filtering: what one read of `DynamoDB` Streams gives at most.
const READ: usize = 1000;

pub(super) struct Shard {
    pub(super) mapping: Mapping,
    pub(super) stream: Stream,
    pub(super) position: Position,
    pub(super) invoker: SharedInvoker,
    pub(super) journal: Journal,
    pub(super) pace: Pace,
    pub(super) caught_up: watch::Sender<Option<u64>>,
}

/// Why a mapping cannot go on for the moment.
enum Halt {
    /// The stack is going down.
    Stopping,
    /// The stream or the position failed; to be tried again.
    Trouble(anyhow::Error),
}

impl From<anyhow::Error> for Halt {
    fn from(error: anyhow::Error) -> Self {
        Self::Trouble(error)
    }
}

impl Shard {
    pub(super) async fn run(mut self) {
        let mut writes = self.stream.writes.clone();
        loop {
            // Taken before the read, so that a write during it is read in the next round.
            let seen = *writes.borrow_and_update();
            match self.drain().await {
                Ok(()) => {
                    self.caught_up.send_replace(Some(seen));
                }
                Err(Halt::Stopping) => return,
                Err(Halt::Trouble(error)) => {
                    tracing::warn!(mapping = self.mapping.id, "the stream: {error:#}");
                }
            }
            tokio::select! {
                changed = writes.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(self.pace.poll) => {}
            }
        }
    }

    /// Delivers until there is nothing to read.
    async fn drain(&mut self) -> Result<(), Halt> {
        loop {
            let records = self.stream.after(self.position.get(), READ).await?;
            let Some(newest) = records.last().map(batch::sequence_number) else {
                return Ok(());
            };
            let wanted: Vec<Value> = records
                .into_iter()
                .filter(|record| self.wants(record))
                .collect();
            for batch in batch::split(wanted, self.mapping.batch_size) {
                let newest = batch.newest();
                self.deliver(batch).await?;
                self.position.advance(newest).await?;
            }
            self.position.advance(newest).await?;
        }
    }

    fn wants(&self, record: &Value) -> bool {
        let filters = &self.mapping.filter_criteria.filters;
        filters.is_empty() || filters.iter().any(|filter| filter.pattern.matches(record))
    }

    /// Tries a batch until every record of it is accepted or given up.
    async fn deliver(&self, batch: Batch) -> Result<(), Halt> {
        let mut waiting = VecDeque::from([batch]);
        while let Some(mut batch) = waiting.pop_front() {
            if self.is_too_old(&batch) {
                self.give_up(&batch, Condition::RecordAgeExceeded);
                continue;
            }
            let error = match self.invoke(&batch).await? {
                Outcome::Accepted => {
                    self.relayed(&batch);
                    continue;
                }
                Outcome::FailedFrom(0, error) => error,
                Outcome::FailedFrom(first, _) => {
                    tokio::time::sleep(self.pace.retry).await;
                    waiting.push_front(batch.split_off(first).afresh());
                    continue;
                }
            };
            batch.error = error;
            if self.mapping.bisect_batch_on_function_error && batch.len() > 1 {
                let second = batch.split_off(batch.len() / 2);
                waiting.push_front(second);
                waiting.push_front(batch);
            } else if self.may_retry(&batch) {
                tokio::time::sleep(self.delay(batch.retries)).await;
                batch.retries += 1;
                waiting.push_front(batch);
            } else {
                self.give_up(&batch, Condition::RetryAttemptsExhausted);
            }
        }
        Ok(())
    }

    async fn invoke(&self, batch: &Batch) -> Result<Outcome, Halt> {
        let payload = json!({ "Records": batch.records });
        match self.invoker.call(&self.mapping.function, payload).await {
            Err(InvokeError::Stopping) => Err(Halt::Stopping),
            Err(error) => Ok(Outcome::FailedFrom(0, Some(error))),
            Ok(answer) if self.reports_failures() => Ok(outcome::read(&answer, batch)),
            Ok(_) => Ok(Outcome::Accepted),
        }
    }

    fn is_too_old(&self, batch: &Batch) -> bool {
        let most = self.mapping.maximum_record_age_in_seconds;
        // A negative one is for no limit.
        let most = most.and_then(|most| u64::try_from(most).ok());
        most.is_some_and(|most| batch.age() > Duration::from_secs(most))
    }

    fn reports_failures(&self) -> bool {
        let types = &self.mapping.function_response_types;
        types.contains(&ResponseType::ReportBatchItemFailures)
    }

    fn may_retry(&self, batch: &Batch) -> bool {
        let limit = self.mapping.maximum_retry_attempts;
        limit.is_none_or(|limit| limit < 0 || i64::from(batch.retries) < limit)
    }

    fn delay(&self, retries: u32) -> Duration {
        // 2^16 times any useful wait is beyond the limit.
        let delay = self.pace.retry * 2_u32.pow(retries.min(16));
        delay.min(self.pace.longest_retry)
    }

    fn give_up(&self, batch: &Batch, condition: Condition) {
        tracing::warn!(
            mapping = self.mapping.id,
            records = batch.len(),
            ?condition,
            "records were given up"
        );
        if let Some(DestinationConfig { on_failure }) = &self.mapping.destination_config {
            let message = failure::message(&self.mapping, &self.stream, batch, condition);
            self.journal.dead_letter(&on_failure.destination, message);
        }
    }

    fn relayed(&self, batch: &Batch) {
        self.journal.append(Happening::Relayed {
            table: self.mapping.table.clone(),
            function: self.mapping.function.clone(),
            records: batch.len(),
        });
    }
}
