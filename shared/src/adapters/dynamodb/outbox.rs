//! The outbox: which event a record of a table's stream carries.
//!
//! Items that are events have it in `event`: each entry of a user's history, and sessions and
//! requests whose last write was one.

use aws_lambda_events::dynamodb::EventRecord;
use serde::Deserialize;

use crate::domain::{DomainEvent, Error, EventId, Result};

/// The event to be published because of `record`: none if the item has none, was removed, or had
/// the same event before.
///
/// # Errors
/// `Internal` if `event` is there and no event of ours. The record must not be skipped: it is
/// reported as failed, and ends where an operator sees it.
pub fn event_of(record: EventRecord) -> Result<Option<DomainEvent>> {
    let after: After =
        serde_dynamo::from_item(record.change.new_image).map_err(Error::caused_by)?;
    let before: Before =
        serde_dynamo::from_item(record.change.old_image).map_err(Error::caused_by)?;
    let known = before.event.map(|event| event.id);
    Ok(after.event.filter(|event| Some(event.id) != known))
}

/// What of an item counts after the write.
#[derive(Deserialize)]
struct After {
    #[serde(default)]
    event: Option<DomainEvent>,
}

/// What of an item counts before the write.
#[derive(Deserialize)]
struct Before {
    #[serde(default)]
    event: Option<Known>,
}

#[derive(Deserialize)]
struct Known {
    id: EventId,
}
