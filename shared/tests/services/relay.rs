//! What becomes of a batch of stream records.

use std::sync::{Arc, Mutex};

use domain::{DomainEvent, Error, Result, UserId};
use lambda::relay::relay_batch;
use serde_json::{Value, json};
use testing::FakeBackend;

/// A record of a new version of a user.
fn record(number: usize, user: UserId, version: u64) -> Value {
    json!({
        "awsRegion": "eu-central-1",
        "eventID": number.to_string(),
        "eventName": "INSERT",
        "dynamodb": {
            "Keys": {
                "pk": {"S": format!("USER#{user}")},
                "sk": {"S": format!("EVENT#{version:012}")},
            },
            "SequenceNumber": number.to_string(),
            "SizeBytes": 1,
        },
    })
}

/// A backend in which three users came, and the records of that.
async fn three() -> (Arc<FakeBackend>, Vec<Value>) {
    let backend = FakeBackend::new();
    let mut records = Vec::new();
    for number in 0..3 {
        let user = backend.add_user(&format!("user{number}@example.com")).await;
        records.push(record(number, user.id, 1));
    }
    (backend, records)
}

/// Which record is reported, and how many events were handed on.
async fn relay(
    backend: &FakeBackend,
    records: &[Value],
    outcome: impl Fn(usize) -> Result<usize>,
) -> (Option<String>, usize) {
    let handed_on = Mutex::new(0);
    let publish = async |events: Vec<DomainEvent>| {
        *handed_on.lock().unwrap() = events.len();
        outcome(events.len())
    };
    let records = serde_json::from_value(json!(records)).unwrap();
    let response = relay_batch(backend, records, publish).await.response;
    assert!(response.batch_item_failures.len() <= 1);
    let failure = response.batch_item_failures.into_iter().next();
    let reported = failure.and_then(|failure| failure.item_identifier);
    (reported, handed_on.into_inner().unwrap())
}

#[tokio::test]
async fn what_was_published_is_not_reported() {
    let (backend, records) = three().await;
    assert_eq!(relay(&backend, &records, Ok).await, (None, 3));
}

#[tokio::test]
async fn the_first_event_that_was_not_published_is_reported() {
    let (backend, records) = three().await;
    for published in 0..3 {
        let (reported, _) = relay(&backend, &records, |_| Ok(published)).await;
        assert_eq!(reported, Some(published.to_string()));
    }
    let (reported, _) = relay(&backend, &records, |_| Err(Error::internal("no bus"))).await;
    assert_eq!(reported.as_deref(), Some("0"));
}

/// What stands before it goes out, and what comes after it waits: the order of a user's events stays.
#[tokio::test]
async fn a_poisonous_record_is_reported_after_all_before_it_is_published() {
    let (backend, records) = three().await;
    let unknown = record(7, backend.users()[0].id, 99);
    let nonsense = json!({
        "awsRegion": "eu-central-1",
        "eventID": "7",
        "eventName": "INSERT",
        "dynamodb": {
            "Keys": {"pk": {"S": "SESSION#1"}, "sk": {"S": "SESSION"}},
            "NewImage": {"event": {"M": {"id": {"S": "nonsense"}}}},
            "SequenceNumber": "7",
            "SizeBytes": 1,
        },
    });
    for poison in [unknown, nonsense] {
        for place in 0..=3 {
            let mut records = records.clone();
            records.insert(place, poison.clone());
            let relayed = relay(&backend, &records, Ok).await;
            assert_eq!(relayed, (Some("7".to_owned()), place));
        }
    }
    // If the bus takes less than that, the rest comes first.
    let mut records = records.clone();
    records.push(record(7, backend.users()[0].id, 99));
    let (reported, _) = relay(&backend, &records, |_| Ok(1)).await;
    assert_eq!(reported.as_deref(), Some("1"));
}
