//! The feed: the index `feed` on the table of users, in which every change of a user shows up under
//! its time.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use futures::{Stream, stream};
use serde::Deserialize;
use serde_dynamo::Item;

use crate::{
    directory::{Row, Tombstone},
    domain::{Email, Error, Name, Result, Roles, Timestamp, UserId, Version, user::Profile},
};

/// Partitions of the feed: `FEED#0` to `FEED#3`. One takes 1,000 writes a second (`DynamoDB` limit).
pub const SHARDS: usize = 4;

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
    stream::try_unfold(Place::Start, async move |place| {
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
            .expression_attribute_values(":feed", AttributeValue::S(format!("FEED#{shard}")))
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
    After(Item),
    End,
}
