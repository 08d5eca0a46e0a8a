//! The outbox: which event a record of a table's stream carries.
//!
//! Items that are events have it in `event`: each entry of a user's history, each lock, and sessions and
//! requests whose last write was one. The stream of users has keys alone, for its items have password
//! hashes: a record of it says which version was made.

use aws_lambda_events::dynamodb::EventRecord;
use domain::{DomainEvent, Error, EventId, Result, UserId, Version};
use serde::Deserialize;

use super::{Key, users};

/// What is to be published because of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The event in the item.
    Event(Box<DomainEvent>),
    /// The event in this user's history that made this version.
    Version(UserId, Version),
}

/// What is to be published because of `record`: nothing if the item has no event, was removed, or had
/// the same event before.
///
/// # Errors
/// `Internal` if there is an event and it is none of ours. The record must not be skipped: it is
/// reported as failed, and ends where an operator sees it.
pub fn published_by(record: EventRecord) -> Result<Option<Published>> {
    let Key { pk, sk } =
        serde_dynamo::from_item(record.change.keys.clone()).map_err(Error::caused_by)?;
    if let Some(version) = sk.strip_prefix(users::EVENT) {
        // An entry is made once; after that only its private part is removed.
        return match record.event_name.as_str() {
            "INSERT" => version_of(&pk, version).map(Some),
            _ => Ok(None),
        };
    }
    let event = event_of(record)?;
    Ok(event.map(Box::new).map(Published::Event))
}

fn version_of(pk: &str, version: &str) -> Result<Published> {
    let user = pk.strip_prefix("USER#").and_then(|id| id.parse().ok());
    let version = version.parse::<u64>().ok().map(Version::from);
    match user.zip(version) {
        Some((user, version)) => Ok(Published::Version(user, version)),
        None => Err(Error::internal(
            "a key of an event names no version of a user",
        )),
    }
}

fn event_of(record: EventRecord) -> Result<Option<DomainEvent>> {
    let after: After =
        serde_dynamo::from_item(record.change.new_image).map_err(Error::caused_by)?;
    let before: Before =
        serde_dynamo::from_item(record.change.old_image).map_err(Error::caused_by)?;
    let known = before.event.map(|event| event.id);
    Ok(after.event.filter(|event| Some(event.id) != known))
}

/// The part of the item after the write that matters here.
#[derive(Deserialize)]
struct After {
    #[serde(default)]
    event: Option<DomainEvent>,
}

/// The part of the item before the write that matters here.
#[derive(Deserialize)]
struct Before {
    #[serde(default)]
    event: Option<Known>,
}

#[derive(Deserialize)]
struct Known {
    id: EventId,
}

#[cfg(test)]
mod tests {
    use domain::{Actor, EventKind, Timestamp, event::EventData};
    use serde_json::{Value, json};

    use super::*;
    use crate::dynamodb::Item;

    fn event(n: u8) -> DomainEvent {
        DomainEvent {
            id: EventId::new(Timestamp::from_seconds(1), [n; 10]),
            kind: EventKind::UserCreated,
            time: Timestamp::from_micros(1_795_537_953_120_400),
            user_id: Some(UserId::new(Timestamp::from_seconds(1), [2; 10])),
            version: Some(Version::FIRST),
            actor: Actor::Anonymous,
            traceparent: Some("00-1-2-01".to_owned()),
            data: EventData::changed(&["name"]),
        }
    }

    /// An item with `event`, as DynamoDB writes it into a record.
    fn image(event: Option<&DomainEvent>) -> Value {
        let mut item: serde_dynamo::Item =
            serde_dynamo::to_item(json!({ "pk": "USER#1" })).unwrap();
        if let Some(event) = event {
            let event = serde_dynamo::to_attribute_value(event).unwrap();
            item.insert("event".to_owned(), event);
        }
        json!(item)
    }

    fn record(name: &str, old: Option<&Value>, new: Option<&Value>) -> EventRecord {
        serde_json::from_value(json!({
            "awsRegion": "eu-central-1",
            "eventID": "1",
            "eventName": name,
            "dynamodb": {
                "Keys": { "pk": { "S": "USER#1" }, "sk": { "S": "SESSION#1" } },
                "OldImage": old,
                "NewImage": new,
                "SequenceNumber": "1",
                "SizeBytes": 1
            }
        }))
        .unwrap()
    }

    #[test]
    fn a_new_event_is_published_as_it_was_written() {
        let new = image(Some(&event(1)));
        assert_eq!(
            event_of(record("INSERT", None, Some(&new))).unwrap(),
            Some(event(1))
        );
    }

    /// Its stream has no image, so nobody who reads it sees what is private.
    #[test]
    fn a_new_entry_of_a_history_is_published_by_its_key_alone() {
        let user = UserId::new(Timestamp::from_seconds(1), [2; 10]);
        let record = |name, pk: &str, sk: &str| {
            let mut record = record(name, None, None);
            let keys = json!({ "pk": pk, "sk": sk });
            record.change.keys = serde_dynamo::to_item(keys).unwrap();
            record
        };
        let pk = format!("USER#{user}");
        let inserted = published_by(record("INSERT", &pk, "EVENT#000000000012")).unwrap();
        assert_eq!(inserted, Some(Published::Version(user, 12.into())));
        for name in ["MODIFY", "REMOVE"] {
            let other = published_by(record(name, &pk, "EVENT#000000000012")).unwrap();
            assert_eq!(other, None);
        }
        for (pk, sk) in [("USER#1", "EVENT#000000000012"), (&*pk, "EVENT#twelve")] {
            assert!(published_by(record("INSERT", pk, sk)).is_err());
        }
        for sk in ["USER", "LOGIN"] {
            assert_eq!(published_by(record("INSERT", &pk, sk)).unwrap(), None);
        }
    }

    #[test]
    fn an_event_is_published_once() {
        let same = image(Some(&event(1)));
        let record = record("MODIFY", Some(&same), Some(&same));
        assert_eq!(event_of(record).unwrap(), None);
    }

    #[test]
    fn the_next_event_of_an_item_is_published() {
        for old in [None, Some(&event(1))] {
            let (old, new) = (image(old), image(Some(&event(2))));
            let record = record("MODIFY", Some(&old), Some(&new));
            assert_eq!(event_of(record).unwrap(), Some(event(2)));
        }
    }

    #[test]
    fn what_is_no_event_is_not_published() {
        let (with, without) = (image(Some(&event(1))), image(None));
        for record in [
            record("MODIFY", Some(&with), Some(&without)),
            record("REMOVE", Some(&with), None),
            record("INSERT", None, Some(&without)),
        ] {
            assert_eq!(event_of(record).unwrap(), None);
        }
    }

    #[test]
    fn what_we_cannot_read_is_an_error() {
        let item: Item = [(
            "event".to_owned(),
            aws_sdk_dynamodb::types::AttributeValue::M(Item::new()),
        )]
        .into();
        let item: serde_dynamo::Item = item.into();
        let record = record("INSERT", None, Some(&json!(item)));
        assert!(event_of(record).unwrap_err().is_internal());
    }
}
