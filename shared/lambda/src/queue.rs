//! Queues: functions that take messages in batches.

use std::time::Duration;

use adapters::composition::Ports;
use application::ports::{Handled, QueuedDelivery};
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::{Error, Result, Timestamp, error::Causes, service::Delivery};
use futures::future::join_all;
use lambda_runtime::{LambdaEvent, service_fn};

use crate::{
    config::Settings,
    http::{RESERVE, remaining},
    startup::{self, Exit},
};

/// Takes deliveries until the environment ends, those of a batch at the same time. What is not done, or
/// fails, is reported, and comes again: after the pause which `handle` asked for, or after the visibility
/// time-out of the queue.
///
/// # Errors
/// If the configuration is wrong, the use case cannot be made, or the Lambda runtime cannot be reached.
pub async fn run<C, S, H, W>(handle: H, wire: W) -> Exit
where
    C: Settings,
    H: AsyncFn(&S, &QueuedDelivery) -> Result<Handled>,
    W: AsyncFnOnce(&Ports, C) -> Result<S>,
{
    let (ports, _, config) = startup::start::<H, C>()?;
    let service = &wire(&ports, config).await?;
    let handle = &handle;
    lambda_runtime::run(service_fn(async move |batch: LambdaEvent<SqsEvent>| {
        let remaining = remaining(batch.context.deadline).saturating_sub(RESERVE);
        let handle = async |message: QueuedDelivery| handle(service, &message).await;
        Ok::<_, std::convert::Infallible>(
            take_batch(batch.payload.records, remaining, handle).await,
        )
    }))
    .await
}

/// Takes one batch, within the time that is left.
pub async fn take_batch(
    records: Vec<SqsMessage>,
    remaining: Duration,
    handle: impl AsyncFn(QueuedDelivery) -> Result<Handled>,
) -> SqsBatchResponse {
    let total = records.len();
    let handle = &handle;
    let taken = records.into_iter().map(async |record| {
        let id = record.message_id.clone().unwrap_or_default();
        let work = async { handle(read(record)?).await };
        let outcome = tokio::time::timeout(remaining, work).await;
        match outcome.unwrap_or_else(|_| Err(Error::internal("no time is left"))) {
            Ok(Handled::Done) => None,
            Ok(Handled::Later) => Some(id),
            Err(error) => {
                tracing::error!(message_id = id, error = %Causes(&error), "a message is not handled");
                Some(id)
            }
        }
    });
    let again: Vec<String> = join_all(taken).await.into_iter().flatten().collect();
    tracing::info!(total, again = again.len(), "taken");
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = again
        .into_iter()
        .map(|id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        })
        .collect();
    response
}

/// The delivery in a message.
fn read(record: SqsMessage) -> Result<QueuedDelivery> {
    let number = |name: &str| record.attributes.get(name)?.parse::<i64>().ok();
    let queued_at = number("SentTimestamp").ok_or_else(|| missing("SentTimestamp"))?;
    let receives = number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok());
    let body = record.body.as_deref().unwrap_or_default();
    let delivery: Delivery = serde_json::from_str(body).map_err(Error::caused_by)?;
    Ok(QueuedDelivery {
        delivery,
        queued_at: Timestamp::from_micros(queued_at.saturating_mul(1000)),
        receives: receives.ok_or_else(|| missing("ApproximateReceiveCount"))?,
        receipt: record
            .receipt_handle
            .ok_or_else(|| missing("receiptHandle"))?,
    })
}

fn missing(name: &str) -> Error {
    Error::internal(format!("a message has no {name}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{Actor, DomainEvent, EventId, EventKind, event::EventData};
    use serde_json::{Value, json};

    use super::*;

    fn message(id: &str, body: &Value) -> SqsMessage {
        serde_json::from_value(json!({
            "messageId": id,
            "receiptHandle": format!("receipt of {id}"),
            "body": body.to_string(),
            "attributes": {"SentTimestamp": "1780479494123", "ApproximateReceiveCount": "3"},
            "messageAttributes": {},
        }))
        .unwrap()
    }

    fn delivery(service: &str) -> Delivery {
        let now = Timestamp::from_seconds(1);
        Delivery {
            service: service.parse().unwrap(),
            event: DomainEvent {
                id: EventId::new(now, [1; 10]),
                kind: EventKind::UserCreated,
                time: now,
                user_id: None,
                version: None,
                actor: Actor::System,
                traceparent: None,
                data: EventData::default(),
            },
        }
    }

    async fn take(records: Vec<SqsMessage>) -> BTreeSet<String> {
        let handle = async |message: QueuedDelivery| match message.delivery.service.as_str() {
            "done" => Ok(Handled::Done),
            "later" => Ok(Handled::Later),
            "slow" => std::future::pending().await,
            _ => Err(Error::internal("broken")),
        };
        let response = take_batch(records, Duration::from_secs(5), handle).await;
        let failures = response.batch_item_failures.into_iter();
        failures.map(|failure| failure.item_identifier).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_is_not_done_comes_again() {
        let services = ["done", "later", "slow", "fails", "done"];
        let records = services
            .iter()
            .enumerate()
            .map(|(number, service)| message(&format!("m{number}"), &json!(delivery(service))));
        let again: Vec<_> = take(records.collect()).await.into_iter().collect();
        assert_eq!(again, ["m1", "m2", "m3"]);
    }

    #[tokio::test]
    async fn an_unreadable_message_comes_again_and_ends_with_the_dead_letters() {
        let nonsense = vec![message("m0", &json!({"service": "done"}))];
        assert_eq!(take(nonsense).await.len(), 1);
    }

    #[test]
    fn a_message_says_how_long_it_waits() {
        let queued = read(message("m0", &json!(delivery("done")))).unwrap();
        assert_eq!(queued.delivery, delivery("done"));
        assert_eq!(
            queued.queued_at,
            Timestamp::from_micros(1_780_479_494_123_000)
        );
        assert_eq!((queued.receives, &*queued.receipt), (3, "receipt of m0"));
    }
}
