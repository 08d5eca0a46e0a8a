//! API keys.

use std::{collections::HashMap, sync::Arc, time::Duration};

use application::ports::{ApiKeys, Clock};
use async_trait::async_trait;
use domain::{
    ApiKey, ApiKeyId, DomainEvent, Error, Result, Timestamp,
    api_key::{LISTED_AFTER_END, ListedApiKey},
};
use futures::future::try_join;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Entity, Key, Table,
    item::{Update, number, text, ttl, value},
    query::Query,
    table::Written,
};

/// The API keys, in the sessions table. All keys are one partition, and the days of their last use are
/// another: those who check a key may write the day, and nothing of the key.
#[derive(Clone)]
pub struct ApiKeyItems {
    table: Table,
    clock: Arc<dyn Clock>,
}

impl ApiKeyItems {
    /// The keys in `table`.
    pub fn new(table: Table, clock: Arc<dyn Clock>) -> Self {
        Self { table, clock }
    }
}

/// A key, and in the same item the event of the write that made it so: an outbox of one.
#[derive(Serialize, Deserialize)]
struct ApiKeyItem {
    #[serde(flatten)]
    key: ApiKey,
    event: DomainEvent,
    ttl: i64,
}

/// The partition of all keys. It takes a write for each key that is made or revoked.
const KEYS: &str = "API-KEY";

/// How long the day of the last use is kept: longer than any key is listed.
const USE_KEPT: Duration = LISTED_AFTER_END.saturating_add(Duration::from_hours(24 * 365));

/// The partition of their last uses. It takes a write a day for each key.
const USES: &str = "API-KEY-USE";

impl Entity for ApiKeyItem {
    type Id = ApiKeyId;

    fn key(id: &ApiKeyId) -> Key {
        Key::new(KEYS, id.to_string())
    }
}

/// The day of a key's last use.
#[derive(Serialize, Deserialize)]
struct UseItem {
    sk: String,
    day: String,
}

#[async_trait]
impl ApiKeys for ApiKeyItems {
    async fn create(&self, key: &ApiKey, event: &DomainEvent) -> Result<()> {
        let item = ApiKeyItem {
            key: key.clone(),
            event: event.clone(),
            ttl: ttl(key.listed_until()),
        };
        match self.table.insert(&key.id, &item).await? {
            // With our hash it is ours: the reply to an earlier attempt was lost.
            Some(other) if other.key.hash != key.hash => {
                Err(Error::internal("the id of an API key is in use"))
            }
            _ => Ok(()),
        }
    }

    async fn find(&self, id: ApiKeyId) -> Result<Option<ApiKey>> {
        let item = self.table.get::<ApiKeyItem>(&id).await?;
        Ok(item.map(|item| item.key))
    }

    /// Two queries for each started megabyte (some 1,500 keys), consistent.
    async fn list(&self) -> Result<Vec<ListedApiKey>> {
        let partition = |name: &str| Query {
            keys: "#pk = :pk",
            values: vec![(":pk", text(name))],
            // Ids begin with the time.
            descending: true,
            ..Query::default()
        };
        let (keys, uses) = (partition(KEYS), partition(USES));
        let (keys, uses): (Vec<ApiKeyItem>, Vec<UseItem>) =
            try_join(self.table.read_all(&keys), self.table.read_all(&uses)).await?;
        let mut days: HashMap<_, _> = uses.into_iter().map(|item| (item.sk, item.day)).collect();
        let now = self.clock.now();
        let listed = keys.into_iter().map(|item| item.key);
        let listed = listed.filter(|key| key.listed_until() > now);
        Ok(listed
            .map(|key| ListedApiKey {
                last_used_on: days.remove(&key.id.to_string()),
                key,
            })
            .collect())
    }

    /// One update.
    async fn revoke(&self, id: ApiKeyId, event: &DomainEvent) -> Result<bool> {
        let revocation = Update {
            key: ApiKeyItem::key(&id),
            changes: "SET #revokedAt = :now, #event = :event",
            condition: Some("attribute_exists(#pk) AND attribute_not_exists(#revokedAt)"),
            values: vec![(":now", text(event.time)), (":event", value(event)?)],
        };
        let written = self.table.update::<IgnoredAny>(revocation).await?;
        Ok(!matches!(written, Written::Refused(None)))
    }

    /// One update, also on the same day again: whoever calls remembers that it is written.
    async fn note_use(&self, id: ApiKeyId, now: Timestamp) -> Result<()> {
        let day = now.day();
        let update = Update {
            key: Key::new(USES, id.to_string()),
            changes: "SET #day = :day, #ttl = :ttl",
            condition: Some("attribute_not_exists(#day) OR #day < :day"),
            values: vec![
                (":day", text(day)),
                (":ttl", number(ttl(now.plus(USE_KEPT)))),
            ],
        };
        let (Written::Done(IgnoredAny) | Written::Refused(_)) = self.table.update(update).await?;
        Ok(())
    }
}
