//! The feed: the index `feed` on the table of users, in which every change of a user shows up under
//! its time. By it the directory sees which users changed since it last looked.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use futures::{Stream, stream};
use serde::Deserialize;

use crate::{
    directory::{Row, Tombstone},
    domain::{Email, Error, Name, Result, Roles, Timestamp, UserId, Version, user::Profile},
};

/// Partitions of the feed, since one takes no more than 1,000 writes a second. Fixed for ever: rows
/// written under other numbers would be read by nobody.
pub const SHARDS: usize = 4;

/// The value of the `feed` attribute in the partition `shard`, which is below [`SHARDS`].
pub fn partition(shard: usize) -> String {
    format!("FEED#{shard}")
}

/// The partition of a user. The last byte of an id is random (RFC 9562, 5.7), hence its own hash.
pub(super) fn partition_of(id: UserId) -> String {
    let [.., last] = id.as_uuid().into_bytes();
    partition(usize::from(last) % SHARDS)
}

/// Some rows of one shard, in the order of their times.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) shard: usize,
    pub(super) rows: Vec<Row>,
    /// Whether the shard has no more.
    pub(super) last: bool,
}

/// What a shard holds from a time on, page by page; `DynamoDB` makes pages of 1 MB.
pub(super) fn pages<'a>(
    client: &'a Client,
    table: &'a str,
    shard: usize,
    from: Timestamp,
) -> impl Stream<Item = Result<Page>> + Send + 'a {
    stream::try_unfold(Place::Start, move |place| async move {
        let start = match place {
            Place::Start => None,
            Place::After(key) => Some(key),
            Place::End => return Ok(None),
        };
        let answer = client
            .query()
            .table_name(table)
            .index_name("feed")
            .key_condition_expression("feed = :feed and updatedAt >= :from")
            .expression_attribute_values(":feed", AttributeValue::S(partition(shard)))
            .expression_attribute_values(":from", AttributeValue::S(from.to_string()))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(Error::caused_by)?;
        let rows = answer.items.unwrap_or_default().into_iter().map(row);
        let rows = rows.collect::<Result<_>>()?;
        let next = answer.last_evaluated_key.map_or(Place::End, Place::After);
        let last = matches!(next, Place::End);
        Ok(Some((Page { shard, rows, last }, next)))
    })
}

enum Place {
    Start,
    After(HashMap<String, AttributeValue>),
    End,
}

/// A user, as the index shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Live {
    pk: String,
    email: Email,
    email_verified: bool,
    name: Name,
    #[serde(default)]
    roles: Roles,
    active: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: Version,
}

/// What is left of an erased user there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Erased {
    pk: String,
    updated_at: Timestamp,
    version: Version,
}

/// # Errors
/// If it is not what the repository writes. An answer that leaves a user out would be wrong, so
/// there is none.
fn row(item: HashMap<String, AttributeValue>) -> Result<Row> {
    if matches!(item.get("deleted"), Some(AttributeValue::Bool(true))) {
        let erased: Erased = serde_dynamo::from_item(item).map_err(Error::caused_by)?;
        return Ok(Row::Erased(Tombstone {
            id: id(&erased.pk)?,
            version: erased.version,
            updated_at: erased.updated_at,
        }));
    }
    let live: Live = serde_dynamo::from_item(item).map_err(Error::caused_by)?;
    Ok(Row::Present(Profile {
        id: id(&live.pk)?,
        email: live.email,
        email_verified: live.email_verified,
        name: live.name,
        roles: live.roles,
        active: live.active,
        created_at: live.created_at,
        updated_at: live.updated_at,
        version: live.version,
    }))
}

fn id(pk: &str) -> Result<UserId> {
    pk.strip_prefix("USER#")
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| Error::internal("a key in the feed is not USER#<id>"))
}
