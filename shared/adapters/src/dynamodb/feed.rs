//! The feed: the index `feed` on the table of users, in which every change of a user shows up under
//! its time. By it the directory sees which users changed since it last looked.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use directory::{
    Row, Specification, Tombstone,
    ports::{FeedPage, FeedPosition, UserFeed},
    shard_of,
};
use domain::{Email, Error, Name, Result, Roles, Timestamp, UserId, Version, user::Profile};
use serde::Deserialize;

use super::{Item, Key, Table, expression::text, filter::Filter, item, query::Query};

/// The value of the `feed` attribute in the partition `shard`, which is below
/// [`SHARDS`](directory::SHARDS).
pub fn partition(shard: usize) -> String {
    format!("FEED#{shard}")
}

/// The partition of a user.
pub(super) fn partition_of(id: UserId) -> String {
    partition(shard_of(id))
}

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
                (":feed", text(partition(shard))),
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
        let mut rows: Vec<_> = page.items.into_iter().map(row).collect::<Result<_>>()?;
        // The filter lets everybody pass of whom it cannot tell.
        rows.retain(|row| row.matches(matching));
        Ok(FeedPage {
            rows,
            next: page.next.map(place).transpose()?,
        })
    }
}

/// The key of a user's row in the index.
fn key_of(shard: usize, time: Timestamp, id: UserId) -> Item {
    let mut key = Key::new(format!("USER#{id}"), "USER").into_item();
    key.insert("feed".to_owned(), text(partition(shard)));
    key.insert("updatedAt".to_owned(), text(time));
    key
}

/// The place after the row with this key.
fn place(key: Item) -> Result<FeedPosition> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Place {
        pk: String,
        updated_at: Timestamp,
    }
    let place: Place = item::from_item(key)?;
    Ok(FeedPosition {
        time: place.updated_at,
        after: Some(id(&place.pk)?),
    })
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
fn row(item: Item) -> Result<Row> {
    if matches!(item.get("deleted"), Some(AttributeValue::Bool(true))) {
        let erased: Erased = item::from_item(item)?;
        return Ok(Row::Erased(Tombstone {
            id: id(&erased.pk)?,
            version: erased.version,
            updated_at: erased.updated_at,
        }));
    }
    let live: Live = item::from_item(item)?;
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
