//! Event source mappings: messages of a queue go to a function in batches.
//!
//! As Lambda does it ("Using Lambda with Amazon SQS"): a batch that is answered is deleted, but for
//! the messages which the answer reports; what is left comes again when its visibility time-out ends.
//! There is no batching window, and no filter.

use serde_json::{Map, Value, json};

use super::{Queues, endpoint::md5, message::Received};
use crate::{
    invoke::{InvokeError, SharedInvoker},
    journal::Happening,
    template::{QueueMapping, REGION, ResponseType, arn},
};

/// One of the workers of a mapping: takes what is due, until it is dropped.
pub(super) async fn run(queues: &Queues, mapping: &QueueMapping, invoker: &SharedInvoker) {
    let mut changes = queues.subscribe();
    loop {
        changes.borrow_and_update();
        let batch = match queues.receive(&mapping.queue, mapping.batch_size, None) {
            Ok(batch) => batch,
            Err(refusal) => return tracing::error!(?refusal, "a mapping has no queue"),
        };
        if batch.is_empty() {
            queues.due(&mapping.queue, &mut changes).await;
            continue;
        }
        let payload = payload(queues, mapping, &batch);
        let outcome = invoker.call(&mapping.function, payload).await;
        if matches!(outcome, Err(InvokeError::Stopping)) {
            return;
        }
        let failed = failed(mapping, &batch, outcome.as_ref());
        for message in &batch {
            if !failed.contains(&message.id.as_str())
                && let Err(refusal) = queues.delete(&mapping.queue, &message.receipt)
            {
                tracing::error!(?refusal, "a message is not deleted");
            }
        }
        queues.left(&mapping.queue, &batch);
        queues.0.journal.append(Happening::Taken {
            queue: mapping.queue.clone(),
            function: mapping.function.clone(),
            messages: batch.len(),
            failed: failed.len(),
        });
    }
}

/// The event as Lambda makes it.
fn payload(queues: &Queues, mapping: &QueueMapping, batch: &[Received]) -> Value {
    let name = queues.0.queues.get(&mapping.queue);
    let name = name.map_or("", |queue| queue.name.as_str());
    let records: Vec<_> = batch
        .iter()
        .map(|message| {
            let attributes: Map<String, Value> = message
                .attributes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value)))
                .collect();
            json!({
                "messageId": message.id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": attributes,
                "messageAttributes": {},
                "md5OfBody": md5(&message.body),
                "eventSource": "aws:sqs",
                "eventSourceARN": arn("sqs", name),
                "awsRegion": REGION,
            })
        })
        .collect();
    json!({ "Records": records })
}

/// The messages of the batch that come again.
fn failed<'a>(
    mapping: &QueueMapping,
    batch: &'a [Received],
    outcome: Result<&Value, &InvokeError>,
) -> Vec<&'a str> {
    let all = || batch.iter().map(|message| message.id.as_str()).collect();
    let answer = match outcome {
        Err(_) => return all(),
        Ok(_) if !mapping.reports_failures() => return Vec::new(),
        Ok(answer) => answer,
    };
    // An answer that is no report, or names a message which is not there, fails the whole batch.
    let failures = match (answer, answer.get("batchItemFailures")) {
        (Value::Null | Value::Object(_), None | Some(Value::Null)) => return Vec::new(),
        (_, Some(Value::Array(failures))) => failures,
        _ => return all(),
    };
    let named: Option<Vec<&str>> = failures
        .iter()
        .map(|failure| {
            let id = failure.get("itemIdentifier")?.as_str()?;
            let mut ids = batch.iter().map(|message| message.id.as_str());
            ids.find(|known| *known == id)
        })
        .collect();
    named.unwrap_or_else(all)
}

impl QueueMapping {
    fn reports_failures(&self) -> bool {
        self.function_response_types
            .contains(&ResponseType::ReportBatchItemFailures)
    }
}
