//! Leases: one item for each, changed under conditions.

use application::ports::{Claimed, Env, Lease, LeaseKey, LeaseOptions, Leases, Settled};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Error, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Entity, Key, Table,
    item::{Update, number, text, ttl},
    table::Written,
};

/// The leases, in the sessions table.
#[derive(Clone)]
pub struct LeaseRecords {
    table: Table,
    env: Env,
}

/// Takes a lease that is free. The first one's fingerprint and reserved values stay; a lease still
/// marked as held was abandoned.
const TAKE: (&str, &str) = (
    "SET #fingerprint = if_not_exists(#fingerprint, :fingerprint), \
     #reserved = if_not_exists(#reserved, :reserved), #leaseEndsAt = :leaseEndsAt, \
     #abandoned = if_not_exists(#held, :false), #held = :true, #expiresAt = :expiresAt, \
     #ttl = :ttl, #writer = :writer ADD #fence :one",
    "attribute_not_exists(#pk) OR \
     (#expiresAt > :now AND attribute_not_exists(#result) AND #leaseEndsAt <= :now)",
);

/// Takes a lease that expired and was not yet deleted by its TTL: nothing of it stays.
const REPLACE: (&str, &str) = (
    "SET #fingerprint = :fingerprint, #reserved = :reserved, #leaseEndsAt = :leaseEndsAt, \
     #abandoned = :false, #held = :true, #expiresAt = :expiresAt, #ttl = :ttl, \
     #writer = :writer, #fence = :one REMOVE #result",
    "#expiresAt <= :now",
);

/// True if this worker holds the lease. The fingerprint is there for a holder from before an
/// expiry, after which fences begin at 1 again.
const HELD: &str = "#fence = :fence AND #fingerprint = :fingerprint AND #expiresAt > :now AND \
                    attribute_not_exists(#result)";

/// True if the lease exists and is not done.
const OPEN: &str = "#expiresAt > :now AND attribute_not_exists(#result)";

const RELEASE: &str = "SET #leaseEndsAt = :now, #held = :false, #writer = :writer";

const SETTLE: &str = "SET #result = :result, #writer = :writer";

/// A lease as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimItem {
    fence: u64,
    abandoned: bool,
    fingerprint: String,
    /// JSON, as text: what was given comes back unchanged.
    reserved: String,
    expires_at: Timestamp,
    /// JSON, as text; there once the lease is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    /// The token of the last write. A write finds its own here when the reply to it was lost and
    /// the SDK repeated it, and its condition is unmet by its own doing.
    writer: String,
}

impl Entity for ClaimItem {
    type Id = LeaseKey;

    fn key(key: &LeaseKey) -> Key {
        Key::new(format!("CLAIM#{key}"), "CLAIM")
    }
}

impl ClaimItem {
    fn won(self, key: &LeaseKey) -> Result<Claimed> {
        Ok(Claimed::Won(Lease {
            key: key.clone(),
            fence: self.fence,
            fingerprint: self.fingerprint,
            reserved: json(&self.reserved)?,
            abandoned: self.abandoned,
        }))
    }

    fn lost(self) -> Result<Claimed> {
        let fingerprint = self.fingerprint;
        Ok(match self.result {
            Some(result) => Claimed::Done(Settled {
                fingerprint,
                result: json(&result)?,
            }),
            None => Claimed::Running { fingerprint },
        })
    }
}

fn json(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(Error::caused_by)
}

impl LeaseRecords {
    /// The leases in `table`.
    pub fn new(table: Table, env: Env) -> Self {
        Self { table, env }
    }

    fn now(&self) -> Timestamp {
        self.env.clock.now()
    }

    /// Writes to a lease under a condition. Returns true if this write happened.
    async fn write(&self, mut update: Update) -> Result<bool> {
        let writer = self.env.random.token()?;
        update.values.push((":now", text(self.now())));
        update.values.push((":writer", text(&writer)));
        Ok(match self.table.update::<ClaimItem>(update).await? {
            Written::Done(_) => true,
            Written::Refused(item) => item.is_some_and(|item| item.writer == writer),
        })
    }

    /// Writes to a lease if it is held as `lease`.
    async fn write_held(
        &self,
        lease: &Lease,
        changes: &'static str,
        value: (&'static str, AttributeValue),
    ) -> Result<bool> {
        let values = vec![
            (":fence", number(lease.fence)),
            (":fingerprint", text(&lease.fingerprint)),
            value,
        ];
        self.write(Update {
            key: ClaimItem::key(&lease.key),
            changes,
            condition: Some(HELD),
            values,
        })
        .await
    }
}

#[async_trait]
impl Leases for LeaseRecords {
    async fn exists(&self, key: &LeaseKey) -> Result<bool> {
        let item = self.table.get::<ClaimItem>(key).await?;
        Ok(item.is_some_and(|item| item.expires_at > self.now()))
    }

    async fn claim(&self, key: &LeaseKey, options: &LeaseOptions) -> Result<Claimed> {
        let now = self.now();
        let expires_at = now.plus(options.retention);
        let writer = self.env.random.token()?;
        let values = vec![
            (":fingerprint", text(&options.fingerprint)),
            (":reserved", text(&options.reserved)),
            (":leaseEndsAt", text(now.plus(options.lease))),
            (":expiresAt", text(expires_at)),
            (":ttl", number(ttl(expires_at))),
            (":writer", text(&writer)),
            (":one", number(1)),
            (":true", AttributeValue::Bool(true)),
            (":false", AttributeValue::Bool(false)),
            (":now", text(now)),
        ];
        for (changes, condition) in [TAKE, REPLACE] {
            let update = Update {
                key: ClaimItem::key(key),
                changes,
                condition: Some(condition),
                values: values.clone(),
            };
            match self.table.update::<ClaimItem>(update).await? {
                Written::Done(item) => return item.won(key),
                Written::Refused(Some(item)) if item.writer == writer => return item.won(key),
                Written::Refused(Some(item)) if item.expires_at > now => return item.lost(),
                Written::Refused(_) => {}
            }
        }
        // Deleted by its TTL between the two: treated as a transient fault.
        Err(Error::internal("a lease vanished while it was taken"))
    }

    async fn settle(&self, lease: &Lease, result: &Value) -> Result<bool> {
        self.write_held(lease, SETTLE, (":result", text(result)))
            .await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let released = AttributeValue::Bool(false);
        self.write_held(lease, RELEASE, (":false", released))
            .await?;
        Ok(())
    }

    async fn witness(&self, key: &LeaseKey, result: &Value) -> Result<bool> {
        self.write(Update {
            key: ClaimItem::key(key),
            changes: SETTLE,
            condition: Some(OPEN),
            values: vec![(":result", text(result))],
        })
        .await
    }
}
