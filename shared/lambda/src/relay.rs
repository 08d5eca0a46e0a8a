//! Relays: functions that read the streams of tables in batches.

use std::{future::Future, sync::Arc};

use aws_lambda_events::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use lambda_runtime::{LambdaEvent, service_fn};

use crate::{
    adapters::dynamodb::outbox,
    domain::{DomainEvent, Result},
    http::Chain,
};

/// Relays the events in batches of stream records until the environment ends. `handle` gives how
/// many events from the front are dealt with.
///
/// The first record that is not dealt with is reported: the stream comes back with it and all
/// after it.
///
/// # Errors
/// If the Lambda runtime cannot be reached.
pub async fn relay<S, H, F>(service: S, handle: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Arc<S>, Vec<DomainEvent>) -> F,
    F: Future<Output = Result<usize>>,
{
    let service = &Arc::new(service);
    let handle = &handle;
    lambda_runtime::run(service_fn(async move |batch: LambdaEvent<Event>| {
        let records = batch.payload.records;
        Ok::<_, std::convert::Infallible>(
            relay_batch(records, async |events| {
                handle(service.clone(), events).await
            })
            .await,
        )
    }))
    .await
}

/// Relays one batch.
pub async fn relay_batch(
    records: Vec<EventRecord>,
    publish: impl AsyncFn(Vec<DomainEvent>) -> Result<usize>,
) -> DynamoDbEventResponse {
    let mut unreadable = None;
    let (mut positions, mut events) = (Vec::new(), Vec::new());
    for record in records {
        let position = record.change.sequence_number.clone();
        match outbox::event_of(record) {
            Ok(None) => {}
            Ok(Some(event)) => {
                positions.push(position);
                events.push(event);
            }
            Err(error) => {
                tracing::error!(error = %Chain(&error), "a record is no event");
                unreadable = Some(position);
                break;
            }
        }
    }
    let total = events.len();
    let published = publish(events).await.unwrap_or_else(|error| {
        tracing::error!(error = %Chain(&error), "events were not published");
        0
    });
    tracing::info!(total, published, "relayed");
    let failed = positions.into_iter().nth(published).or(unreadable);
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = failed
        .map(|position| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = position;
            failure
        })
        .into_iter()
        .collect();
    response
}
