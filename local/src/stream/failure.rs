//! What goes to the failure destination when records are given up: where they were, not what
//! they said.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Mapping, Services,
    batch::{Batch, arrival},
};
use crate::{dynamodb::Stream, invoke::InvokeError, queue::Queues, template::arn};

/// Why records are given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

/// The failure destination of a mapping.
pub(super) struct Failures {
    queues: Queues,
    queue: Option<String>,
    mapping: String,
    function_arn: String,
    stream_arn: String,
    shard: String,
}

impl Failures {
    pub(super) fn new(services: &Services, mapping: &Mapping, stream: &Stream) -> Self {
        let function = format!("function:{}", mapping.function);
        Self {
            queues: services.queues.clone(),
            queue: mapping.on_failure.clone(),
            mapping: mapping.id.clone(),
            function_arn: arn("lambda", &function),
            stream_arn: stream.arn().to_owned(),
            shard: stream.shard().to_owned(),
        }
    }

    /// Gives `batch` up.
    pub(super) fn send(&self, batch: &Batch, condition: Condition) {
        tracing::warn!(
            mapping = self.mapping,
            records = batch.len(),
            ?condition,
            "records were given up"
        );
        if let Some(queue) = &self.queue {
            self.queues.send(queue, self.message(batch, condition));
        }
    }

    /// The message as Lambda writes it ("Retain discarded records for a `DynamoDB` event source").
    fn message(&self, batch: &Batch, condition: Condition) -> Value {
        let condition = match condition {
            Condition::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Condition::RecordAgeExceeded => "RecordAgeExceeded",
        };
        let function_failed = matches!(
            batch.error,
            Some(InvokeError::Function(_) | InvokeError::Exited(_) | InvokeError::TimedOut(_))
        );
        let at = |record: Option<&Value>| {
            record
                .and_then(arrival)
                .map(|arrival| format!("{arrival:.0}"))
        };
        json!({
            "requestContext": {
                "requestId": Uuid::new_v4(),
                "functionArn": self.function_arn,
                "condition": condition,
                "approximateInvokeCount": batch.retries + 1,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": function_failed.then_some("Unhandled"),
            },
            "version": "1.0",
            "timestamp": format!("{:.3}", Timestamp::now()),
            "DDBStreamBatchInfo": {
                "shardId": self.shard,
                "startSequenceNumber": batch.oldest(),
                "endSequenceNumber": batch.newest(),
                "approximateArrivalOfFirstRecord": at(batch.records.first()),
                "approximateArrivalOfLastRecord": at(batch.records.last()),
                "batchSize": batch.len(),
                "streamArn": self.stream_arn,
            },
        })
    }
}
