//! Relays: functions that read the streams of tables in batches.

use adapters::{
    composition::Ports,
    dynamodb::outbox::{self, Published},
    system::System,
};
use application::ports::{Clock as _, UserRepository};
use aws_lambda_events::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use domain::{DomainEvent, Error, EventKind, Result, Timestamp, error::Causes};
use futures::{StreamExt as _, stream};
use lambda_runtime::{LambdaEvent, service_fn};

use crate::{
    config::Settings,
    invocation::{self, Invocation},
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
    let (ports, _, config) = startup::start::<H, C>();
    let service = &startup::or_exit(wire(&ports, config).await);
    let users = ports.users();
    let users: &dyn UserRepository = &*users;
    let handle = &handle;
    invocation::init_ends();
    lambda_runtime::run(service_fn(async move |batch: LambdaEvent<Event>| {
        let invocation = Invocation::begin();
        let request_id = batch.context.request_id;
        let publish = async |events: Vec<DomainEvent>| handle(service, &events).await;
        let Relayed {
            response,
            total,
            published,
        } = relay_batch(users, batch.payload.records, publish).await;
        invocation::line!(info, invocation, request_id, total, published, "relayed");
        Ok::<_, std::convert::Infallible>(response)
    }))
    .await
}

/// What became of a batch.
pub struct Relayed {
    /// Names the record at which the stream has to go on.
    pub response: DynamoDbEventResponse,
    /// Events in the batch.
    pub total: usize,
    /// How many of them, from the front, are published.
    pub published: usize,
}

/// Entries of histories read at once.
const AT_ONCE: usize = 10;

/// Relays one batch. It costs a read for each version of a user in it: the stream of users has keys alone.
pub async fn relay_batch(
    users: &dyn UserRepository,
    records: Vec<EventRecord>,
    publish: impl AsyncFn(Vec<DomainEvent>) -> Result<usize>,
) -> Relayed {
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
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.kind, event.time))
        .collect();
    let published = publish(events).await.unwrap_or_else(|error| {
        tracing::error!(error = %Causes(&error), "events were not published");
        0
    });
    measure(&told, published);
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
    Relayed {
        response,
        total,
        published,
    }
}

/// What is counted of events as they are published.
const COUNTED: [(EventKind, &str); 2] = [
    (EventKind::UserCreated, "SignUps"),
    (EventKind::SignInLocked, "Locks"),
];

/// Counts the first `published` of a batch's events, and says how late the oldest is, published or not.
fn measure(events: &[(EventKind, Timestamp)], published: usize) {
    for (kind, metric) in COUNTED {
        let counted = events
            .iter()
            .take(published)
            .filter(|(each, _)| *each == kind);
        let count = counted.count() as u64;
        if count > 0 {
            tracing::info!(metric, count);
        }
    }
    if let Some(oldest) = events.iter().map(|(_, time)| *time).min() {
        let lag = oldest.until(System.now()).as_millis();
        let millis = u64::try_from(lag).unwrap_or(u64::MAX);
        tracing::info!(metric = "EventLag", millis);
    }
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

#[cfg(test)]
mod tests {
    use tracing::level_filters::LevelFilter;

    use super::*;
    use crate::metrics::tests::capture;

    #[test]
    fn events_count_when_they_are_published_and_the_oldest_says_how_late_they_are() {
        let now = System.now();
        let ago = |seconds| now.minus(std::time::Duration::from_secs(seconds));
        let events = [
            (EventKind::UserCreated, ago(3)),
            (EventKind::SessionStarted, ago(60)),
            (EventKind::UserCreated, ago(2)),
            (EventKind::SignInLocked, ago(1)),
        ];
        let counts = |published: usize| {
            let (captured, _guard) = capture(LevelFilter::INFO);
            measure(&events, published);
            let metrics = captured.metrics();
            let sum = |name: &str| metrics.iter().filter_map(|line| line[name].as_u64()).sum();
            let (sign_ups, locks, lag): (u64, u64, u64) =
                (sum("SignUps"), sum("Locks"), sum("EventLag"));
            assert!((60_000..70_000).contains(&lag), "{lag}");
            (sign_ups, locks)
        };
        assert_eq!(counts(0), (0, 0));
        assert_eq!(counts(3), (2, 0));
        assert_eq!(counts(4), (2, 1));
        let (captured, _guard) = capture(LevelFilter::INFO);
        measure(&[], 0);
        assert!(captured.metrics().is_empty());
    }
}
