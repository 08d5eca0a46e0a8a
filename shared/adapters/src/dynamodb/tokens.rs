//! One-time tokens.

use application::ports::OneTimeTokens;
use async_trait::async_trait;
use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{
    EventId, OneTimeToken, Result, Timestamp, TokenPurpose, UserId,
    token::{StoredToken, TokenHash, TokenIssue, TokenUse},
};
use serde::{Deserialize, Serialize};

use super::{
    Entity, Key, Table,
    item::{Update, number, text, ttl},
    table::Written,
};

/// The one-time tokens, in the sessions table.
#[derive(Clone)]
pub struct Tokens {
    table: Table,
}

impl Tokens {
    /// The tokens in `table`.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

/// The newest token of a user for a purpose. A used one stays, so that issuing it again does not
/// make it good.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenItem {
    hash: String,
    /// None of tokens from before there were seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<EventId>,
    issued_at: Timestamp,
    expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used_at: Option<Timestamp>,
    /// By which a repetition of its use is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
    ttl: i64,
}

impl Entity for TokenItem {
    type Id = (UserId, TokenPurpose);

    fn key((user, purpose): &(UserId, TokenPurpose)) -> Key {
        Key::new(
            format!("USER#{user}"),
            format!("TOKEN#{}", purpose.as_str()),
        )
    }
}

#[async_trait]
impl OneTimeTokens for Tokens {
    async fn issue(&self, token: &TokenIssue, now: Timestamp) -> Result<bool> {
        let hash = token.hash.to_string();
        let mut values = vec![
            (":hash", text(&hash)),
            (":issuedAt", text(token.issued_at)),
            (":expiresAt", text(token.expires_at)),
            (":ttl", number(ttl(token.expires_at))),
            (":now", text(now)),
            // No token has an empty hash.
            (
                ":replaced",
                text(
                    token
                        .replaces
                        .as_ref()
                        .map_or_else(String::new, ToString::to_string),
                ),
            ),
        ];
        values.extend(token.seed.map(|seed| (":seed", text(seed))));
        let update = Update {
            key: TokenItem::key(&(token.user_id, token.purpose)),
            changes: if token.seed.is_some() {
                "SET #hash = :hash, #issuedAt = :issuedAt, #expiresAt = :expiresAt, #ttl = :ttl, \
                 #seed = :seed REMOVE #usedAt, #receipt"
            } else {
                "SET #hash = :hash, #issuedAt = :issuedAt, #expiresAt = :expiresAt, #ttl = :ttl \
                 REMOVE #usedAt, #receipt, #seed"
            },
            condition: Some(
                "attribute_not_exists(#issuedAt) OR (#issuedAt < :issuedAt AND \
                 (attribute_exists(#usedAt) OR #expiresAt <= :now OR attribute_not_exists(#seed) \
                 OR #hash = :replaced))",
            ),
            values,
        };
        Ok(match self.table.update::<TokenItem>(update).await? {
            Written::Done(_) => true,
            Written::Refused(there) => {
                there.is_some_and(|there| there.hash == hash && there.used_at.is_none())
            }
        })
    }

    /// One consistent read.
    async fn find_good(
        &self,
        user: UserId,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Result<Option<StoredToken>> {
        let there = self.table.get::<TokenItem>(&(user, purpose)).await?;
        let good = there.filter(|there| there.expires_at > now && there.used_at.is_none());
        Ok(good.and_then(|there| {
            Some(StoredToken {
                seed: there.seed?,
                hash: TokenHash::stored(there.hash),
            })
        }))
    }

    async fn is_good(&self, token: &TokenUse) -> Result<bool> {
        let slot = (token.user_id, token.purpose);
        let there = self.table.get::<TokenItem>(&slot).await?;
        Ok(there.is_some_and(|there| {
            there.hash == token.hash.to_string()
                && there.expires_at > token.now
                && !token.epoch.voids(there.issued_at)
                && there.used_at.is_none()
        }))
    }

    async fn is_used(&self, token: &OneTimeToken, now: Timestamp) -> Result<bool> {
        let slot = (token.user_id, token.purpose);
        let there = self.table.get::<TokenItem>(&slot).await?;
        Ok(there.is_some_and(|there| {
            there.receipt == Some(token.receipt().to_string()) && there.expires_at > now
        }))
    }
}

/// The write of a transaction that uses up a token, if it is the one in its slot and good.
pub(super) fn spending(table: &Table, token: &TokenUse) -> Result<TransactWriteItem> {
    table.updating(Update {
        key: TokenItem::key(&(token.user_id, token.purpose)),
        changes: "SET #usedAt = :now, #receipt = :receipt",
        condition: Some(
            "#hash = :hash AND #expiresAt > :now AND #issuedAt >= :epoch \
             AND attribute_not_exists(#usedAt)",
        ),
        values: vec![
            (":hash", text(&token.hash)),
            (":receipt", text(&token.receipt)),
            (":now", text(token.now)),
            (":epoch", text(token.epoch.began_at())),
        ],
    })
}
