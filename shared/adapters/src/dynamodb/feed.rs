//! The feed: the index `feed` on the table of users, which has each user under the time of the last
//! change. The directory reads from it who changed since its last look.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use directory::{
    FeedRow, Specification,
    ports::{FeedPage, FeedPosition, UserFeed},
};
use domain::{Error, Result, Timestamp, UserId, error::Causes};
use serde::Deserialize;

use super::{
    Item, Key, Table,
    filter::Filter,
    item::{self, text},
    query::Query,
    users::feed_partition,
};

/// The feed, in the index of the users table. `DynamoDB` makes pages of 1 MB.
#[derive(Debug, Clone)]
pub struct Feed {
    table: Table,
}

impl Feed {
    /// The feed of the users in `table`.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl UserFeed for Feed {
    async fn page(
        &self,
        shard: usize,
        from: &FeedPosition,
        matching: Option<&Specification>,
    ) -> Result<FeedPage> {
        let filter = matching.map(Filter::of);
        let mut query = Query {
            index: Some("feed"),
            keys: "#feed = :feed AND #updatedAt >= :from",
            values: vec![
                (":feed", text(feed_partition(shard))),
                (":from", text(from.time)),
            ],
            ..Query::default()
        };
        if let Some(filter) = &filter {
            query.filter = Some(filter.expression());
            query.values.extend(filter.values());
        }
        let after = from.after.map(|id| key_of(shard, from.time, id));
        let page = self.table.query_items(&query, after).await?;
        let mut rows: Vec<_> = page.items.into_iter().filter_map(readable).collect();
        // The filter also lets users pass whom it cannot judge.
        rows.retain(|row| row.matches(matching));
        Ok(FeedPage {
            rows,
            next: page.next.map(position).transpose()?,
        })
    }
}

/// The key of a user's row in the index.
fn key_of(shard: usize, time: Timestamp, id: UserId) -> Item {
    let mut key = Key::new(format!("USER#{id}"), "USER").into_item();
    key.insert("feed".to_owned(), text(feed_partition(shard)));
    key.insert("updatedAt".to_owned(), text(time));
    key
}

/// The position after the row with this key.
fn position(key: Item) -> Result<FeedPosition> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct IndexKey {
        pk: String,
        updated_at: Timestamp,
    }
    let key: IndexKey = item::from_item(key)?;
    Ok(FeedPosition {
        time: key.updated_at,
        after: Some(user_id(&key.pk)?),
    })
}

/// The row of an item. One that is not what the repository writes is left out and reported: it must
/// not make every list fail.
fn readable(item: Item) -> Option<FeedRow> {
    let pk = item.get("pk").and_then(|pk| pk.as_s().ok()).cloned();
    row(item)
        .inspect_err(|error| {
            tracing::error!(
                metric = "UnreadableRow",
                pk,
                error = %Causes(error),
                "an item of the feed cannot be read and is left out"
            );
        })
        .ok()
}

fn row(mut item: Item) -> Result<FeedRow> {
    // The index has the id in the key alone.
    let id = match item.get("pk") {
        Some(AttributeValue::S(pk)) => user_id(pk)?,
        _ => return Err(Error::internal("an item in the feed has no key")),
    };
    item.insert("id".to_owned(), text(id));
    if matches!(item.get("deleted"), Some(AttributeValue::Bool(true))) {
        return item::from_item(item).map(FeedRow::Erased);
    }
    item::from_item(item).map(FeedRow::Present)
}

fn user_id(pk: &str) -> Result<UserId> {
    pk.strip_prefix("USER#")
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| Error::internal("a key in the feed is not USER#<id>"))
}
