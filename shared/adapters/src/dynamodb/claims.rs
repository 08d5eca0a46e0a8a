//! Claims.

use application::ports::{Circumstances, Claim, ClaimKey, Claimed, Claims, Settled, Terms};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Error, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Entity, Key, Table,
    expression::{Update, number, text},
    item::ttl,
    table::Written,
};

/// The claims, in the sessions table.
#[derive(Clone)]
pub struct ClaimRecords {
    table: Table,
    circumstances: Circumstances,
}

/// Takes a claim that is free. The first one's fingerprint and reserved values stay; a claim still
/// marked as held was abandoned.
const TAKE: (&str, &str) = (
    "SET #fingerprint = if_not_exists(#fingerprint, :fingerprint), \
     #reserved = if_not_exists(#reserved, :reserved), #leaseEndsAt = :leaseEndsAt, \
     #abandoned = if_not_exists(#held, :false), #held = :true, #expiresAt = :expiresAt, \
     #ttl = :ttl, #writer = :writer ADD #fence :one",
    "attribute_not_exists(#pk) OR \
     (#expiresAt > :now AND attribute_not_exists(#result) AND #leaseEndsAt <= :now)",
);

/// Takes a claim that expired and was not collected yet: nothing of it stays.
const REPLACE: (&str, &str) = (
    "SET #fingerprint = :fingerprint, #reserved = :reserved, #leaseEndsAt = :leaseEndsAt, \
     #abandoned = :false, #held = :true, #expiresAt = :expiresAt, #ttl = :ttl, \
     #writer = :writer, #fence = :one REMOVE #result",
    "#expiresAt <= :now",
);

/// That a claim is held, and by nobody else. The fingerprint is there for a holder from before an
/// expiry, after which fences begin anew.
const HELD: &str = "#fence = :fence AND #fingerprint = :fingerprint AND #expiresAt > :now AND \
                    attribute_not_exists(#result)";

/// That a claim is there, and not done.
const OPEN: &str = "#expiresAt > :now AND attribute_not_exists(#result)";

const RELEASE: &str = "SET #leaseEndsAt = :now, #held = :false, #writer = :writer";

const SETTLE: &str = "SET #result = :result, #writer = :writer";

/// A claim as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimItem {
    fence: u64,
    abandoned: bool,
    fingerprint: String,
    /// JSON, as text: what was given comes back to the letter.
    reserved: String,
    expires_at: Timestamp,
    /// JSON, as text; there once the claim is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    /// The token of the last write. A write finds its own here when the reply to it was lost and
    /// the SDK repeated it, and its condition is unmet by its own doing.
    writer: String,
}

impl Entity for ClaimItem {
    type Id = ClaimKey;

    fn key(key: &ClaimKey) -> Key {
        Key::new(format!("CLAIM#{key}"), "CLAIM")
    }
}

impl ClaimItem {
    fn won(self, key: &ClaimKey) -> Result<Claimed> {
        Ok(Claimed::Won(Claim {
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

impl ClaimRecords {
    /// The claims in `table`.
    pub fn new(table: Table, circumstances: Circumstances) -> Self {
        Self {
            table,
            circumstances,
        }
    }

    fn now(&self) -> Timestamp {
        self.circumstances.clock.now()
    }

    /// Writes to a claim under a condition. True if this very write happened.
    async fn write(&self, mut update: Update) -> Result<bool> {
        let writer = self.circumstances.entropy.token()?;
        update.values.push((":now", text(self.now())));
        update.values.push((":writer", text(&writer)));
        Ok(match self.table.update::<ClaimItem>(update).await? {
            Written::Done(_) => true,
            Written::Refused(item) => item.is_some_and(|item| item.writer == writer),
        })
    }

    /// Writes to a claim if it is held as `claim`.
    async fn write_held(
        &self,
        claim: &Claim,
        changes: &'static str,
        value: (&'static str, AttributeValue),
    ) -> Result<bool> {
        let values = vec![
            (":fence", number(claim.fence)),
            (":fingerprint", text(&claim.fingerprint)),
            value,
        ];
        self.write(Update {
            key: ClaimItem::key(&claim.key),
            changes,
            condition: Some(HELD),
            values,
        })
        .await
    }
}

#[async_trait]
impl Claims for ClaimRecords {
    async fn claim(&self, key: &ClaimKey, terms: &Terms) -> Result<Claimed> {
        let now = self.now();
        let expires_at = now.plus(terms.retention);
        let writer = self.circumstances.entropy.token()?;
        let values = vec![
            (":fingerprint", text(&terms.fingerprint)),
            (":reserved", text(&terms.reserved)),
            (":leaseEndsAt", text(now.plus(terms.lease))),
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
        // Collected between the two: as good as a fault that passes.
        Err(Error::internal("a claim vanished while it was taken"))
    }

    async fn settle(&self, claim: &Claim, result: &Value) -> Result<bool> {
        self.write_held(claim, SETTLE, (":result", text(result)))
            .await
    }

    async fn release(&self, claim: &Claim) -> Result<()> {
        let released = AttributeValue::Bool(false);
        self.write_held(claim, RELEASE, (":false", released))
            .await?;
        Ok(())
    }

    async fn witness(&self, key: &ClaimKey, result: &Value) -> Result<bool> {
        self.write(Update {
            key: ClaimItem::key(key),
            changes: SETTLE,
            condition: Some(OPEN),
            values: vec![(":result", text(result))],
        })
        .await
    }
}
