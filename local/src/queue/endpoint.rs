//! SQS over HTTP (AWS's JSON 1.0 protocol).

use std::{collections::BTreeSet, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use md5::{Digest as _, Md5};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{Call, Queues, Refusal};
use crate::{
    callers::caller,
    template::{ACCOUNT, REGION},
};

/// Messages in one call.
const BATCH: usize = 10;

pub(super) fn router(queues: Queues) -> Router {
    Router::new().route("/", post(handle)).with_state(queues)
}

async fn handle(State(queues): State<Queues>, headers: HeaderMap, body: Bytes) -> Response {
    match answer(&queues, &headers, &body) {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => {
            let body = json!({
                "__type": format!("com.amazonaws.sqs#{}", refusal.kind),
                "message": refusal.message,
            });
            let code = format!("{};Sender", refusal.code);
            (
                StatusCode::BAD_REQUEST,
                [("x-amzn-query-error", code)],
                Json(body),
            )
                .into_response()
        }
    }
}

fn answer(queues: &Queues, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let target = headers.get("x-amz-target");
    let target = target
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let operation = target.strip_prefix("AmazonSQS.").unwrap_or_default();
    if operation == "GetQueueUrl" {
        let named: Named = read(body)?;
        queues.by_url(&named.queue_name)?;
        let url = format!(
            "https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{}",
            named.queue_name
        );
        return Ok(json!({ "QueueUrl": url }));
    }
    let at: At = read(body)?;
    let queue = queues.by_url(&at.queue_url)?;
    queues.note(Call {
        caller: caller(headers).unwrap_or_default(),
        // The right to do one includes the batch.
        action: operation.trim_end_matches("Batch").to_owned(),
        queue: queue.clone(),
    });
    match operation {
        "SendMessage" => send(queues, &queue, read(body)?),
        "SendMessageBatch" => each(body, |entry: Send| send(queues, &queue, entry)),
        "ReceiveMessage" => receive(queues, &queue, &read(body)?),
        "DeleteMessage" => delete(queues, &queue, &read(body)?),
        "DeleteMessageBatch" => each(body, |entry: Receipt| delete(queues, &queue, &entry)),
        "ChangeMessageVisibility" => change(queues, &queue, &read(body)?),
        "ChangeMessageVisibilityBatch" => {
            each(body, |entry: Receipt| change(queues, &queue, &entry))
        }
        "GetQueueAttributes" => {
            let counts = queues.counts(&queue);
            Ok(json!({ "Attributes": {
                "ApproximateNumberOfMessages": counts.visible.to_string(),
                "ApproximateNumberOfMessagesNotVisible": counts.in_flight.to_string(),
                "ApproximateNumberOfMessagesDelayed": counts.delayed.to_string(),
            } }))
        }
        _ => Err(Refusal::operation(target)),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct At {
    queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Send {
    message_body: String,
    delay_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receive {
    max_number_of_messages: Option<usize>,
    visibility_timeout: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receipt {
    receipt_handle: String,
    visibility_timeout: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    entries: Vec<Value>,
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::malformed(&error))
}

fn send(queues: &Queues, queue: &str, send: Send) -> Result<Value, Refusal> {
    let message = queues.send(queue, send.message_body, send.delay_seconds)?;
    Ok(json!({ "MessageId": message.id, "MD5OfMessageBody": md5(&message.body) }))
}

fn receive(queues: &Queues, queue: &str, receive: &Receive) -> Result<Value, Refusal> {
    let most = receive.max_number_of_messages.unwrap_or(1);
    if !(1..=BATCH).contains(&most) {
        let message = "MaxNumberOfMessages must be between 1 and 10, if provided.";
        return Err(Refusal::parameter(message));
    }
    let visibility = receive.visibility_timeout.map(Duration::from_secs);
    let messages = queues.receive(queue, most, visibility)?.into_iter();
    let messages: Vec<_> = messages
        .map(|message| {
            let attributes: Map<String, Value> = message
                .attributes
                .into_iter()
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .collect();
            json!({
                "MessageId": message.id,
                "ReceiptHandle": message.receipt,
                "MD5OfBody": md5(&message.body),
                "Body": message.body,
                "Attributes": attributes,
            })
        })
        .collect();
    // SQS leaves an empty list out.
    Ok(if messages.is_empty() {
        json!({})
    } else {
        json!({ "Messages": messages })
    })
}

fn delete(queues: &Queues, queue: &str, receipt: &Receipt) -> Result<Value, Refusal> {
    queues.delete(queue, &receipt.receipt_handle)?;
    Ok(json!({}))
}

fn change(queues: &Queues, queue: &str, receipt: &Receipt) -> Result<Value, Refusal> {
    let Some(seconds) = receipt.visibility_timeout else {
        return Err(Refusal::parameter("VisibilityTimeout is missing."));
    };
    let pause = Duration::from_secs(seconds);
    queues.change_visibility(queue, &receipt.receipt_handle, pause)?;
    Ok(json!({}))
}

/// Does each entry of a batch by itself.
fn each<T: DeserializeOwned>(
    body: &[u8],
    mut one: impl FnMut(T) -> Result<Value, Refusal>,
) -> Result<Value, Refusal> {
    let Batch { entries } = read(body)?;
    check(&entries)?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = entry["Id"].clone();
        let read = serde_json::from_value(entry).map_err(|error| Refusal::malformed(&error));
        match read.and_then(&mut one) {
            Ok(mut done) => {
                done["Id"] = id;
                successful.push(done);
            }
            Err(refusal) => failed.push(json!({
                "Id": id,
                "SenderFault": true,
                "Code": refusal.code,
                "Message": refusal.message,
            })),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}

fn check(entries: &[Value]) -> Result<(), Refusal> {
    if entries.is_empty() {
        return Err(Refusal::batch(
            "EmptyBatchRequest",
            "AWS.SimpleQueueService.EmptyBatchRequest",
            "There should be at least one entry in the request.",
        ));
    }
    if entries.len() > BATCH {
        return Err(Refusal::batch(
            "TooManyEntriesInBatchRequest",
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            "Maximum number of entries per request are 10.",
        ));
    }
    let ids: BTreeSet<_> = entries
        .iter()
        .filter_map(|entry| entry["Id"].as_str())
        .collect();
    if ids.len() < entries.len() {
        return Err(Refusal::batch(
            "BatchEntryIdsNotDistinct",
            "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
        ));
    }
    Ok(())
}

/// MD5 of a body, which SDKs compare.
pub(super) fn md5(body: &str) -> String {
    let digest = Md5::digest(body.as_bytes());
    let digits = |byte: &u8| [byte >> 4, byte & 15];
    let digits = digest.iter().flat_map(digits);
    digits
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}
