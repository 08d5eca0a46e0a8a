//! Relays: functions that read the streams of tables in batches.

use adapters::{
    composition::Ports,
    dynamodb::outbox::{self, Published},
};
use application::ports::UserRepository;
use aws_lambda_events::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use domain::{DomainEvent, Error, Result, error::Causes};
use futures::{StreamExt as _, stream};
use lambda_runtime::{LambdaEvent, service_fn};

use crate::{
    config::Settings,
    startup::{self, Exit},
};

/// Relays the events in batches of stream records until the environment ends. `handle` returns how
/// many events from the front are dealt with.
///
/// The first record that is not dealt with is reported: the stream comes back with it and all
/// after it.
///
/// # Errors
/// If the configuration is wrong, the use case cannot be made, or the Lambda runtime cannot be reached.
pub async fn run<C, S, H, W>(handle: H, wire: W) -> Exit
where
    C: Settings,
    H: AsyncFn(&S, &[DomainEvent]) -> Result<usize>,
    W: AsyncFnOnce(&Ports, C) -> Result<S>,
{
    let (ports, _, config) = startup::start::<H, C>()?;
    let service = &wire(&ports, config).await?;
    let users = ports.users();
    let users: &dyn UserRepository = &*users;
    let handle = &handle;
    lambda_runtime::run(service_fn(async move |batch: LambdaEvent<Event>| {
        let records = batch.payload.records;
        let publish = async |events: Vec<DomainEvent>| handle(service, &events).await;
        Ok::<_, std::convert::Infallible>(relay_batch(users, records, publish).await)
    }))
    .await
}

/// Entries of histories read at once.
const AT_ONCE: usize = 10;

/// Relays one batch. It costs a read for each version of a user in it: the stream of users has keys alone.
pub async fn relay_batch(
    users: &dyn UserRepository,
    records: Vec<EventRecord>,
    publish: impl AsyncFn(Vec<DomainEvent>) -> Result<usize>,
) -> DynamoDbEventResponse {
    let mut unreadable = None;
    let (mut positions, mut events) = (Vec::new(), Vec::new());
    let read = records.into_iter().map(async |record| {
        let position = record.change.sequence_number.clone();
        (position, event_of(users, record).await)
    });
    let mut read = stream::iter(read).buffered(AT_ONCE);
    while let Some((position, event)) = read.next().await {
        match event {
            Ok(None) => {}
            Ok(Some(event)) => {
                positions.push(position);
                events.push(event);
            }
            Err(error) => {
                tracing::error!(error = %Causes(&error), "a record's event was not read");
                unreadable = Some(position);
                break;
            }
        }
    }
    let total = events.len();
    let published = publish(events).await.unwrap_or_else(|error| {
        tracing::error!(error = %Causes(&error), "events were not published");
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

/// The event to be published because of `record`.
async fn event_of(users: &dyn UserRepository, record: EventRecord) -> Result<Option<DomainEvent>> {
    let (user, version) = match outbox::published_by(record)? {
        None => return Ok(None),
        Some(Published::Event(event)) => return Ok(Some(*event)),
        Some(Published::Version(user, version)) => (user, version),
    };
    match users.history_entry(user, version).await? {
        Some(entry) => Ok(Some(entry.event)),
        None => Err(Error::internal("an entry of a history is gone")),
    }
}
