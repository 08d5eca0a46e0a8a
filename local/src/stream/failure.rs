//! What goes to the failure destination when records are given up: where they were, not what
//! they said.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Mapping,
    batch::{Batch, arrival},
};
use crate::{dynamodb::Stream, invoke::InvokeError, template::arn};

/// Why records are given up.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

/// The message as Lambda writes it ("Retain discarded records for a `DynamoDB` event source").
pub(super) fn message(
    mapping: &Mapping,
    stream: &Stream,
    batch: &Batch,
    condition: Condition,
) -> Value {
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
            "functionArn": arn("lambda", &format!("function:{}", mapping.function)),
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
            "shardId": stream.shard,
            "startSequenceNumber": batch.oldest(),
            "endSequenceNumber": batch.newest(),
            "approximateArrivalOfFirstRecord": at(batch.records.first()),
            "approximateArrivalOfLastRecord": at(batch.records.last()),
            "batchSize": batch.len(),
            "streamArn": stream.arn,
        },
    })
}
