//! One-time tokens.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::{Entity, Key, Table, expression::text, item::ttl};
use crate::{
    domain::{OneTimeToken, Result, Timestamp, TokenPurpose, UserId, token::TokenUse},
    ports::{Clock, OneTimeTokens},
};

/// The one-time tokens, in the sessions table.
#[derive(Clone)]
pub struct Tokens {
    table: Table,
    clock: Arc<dyn Clock>,
}

impl Tokens {
    /// The tokens in `table`.
    pub fn new(table: Table, clock: Arc<dyn Clock>) -> Self {
        Self { table, clock }
    }
}

/// The newest token of a user for a purpose.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenItem {
    hash: String,
    expires_at: Timestamp,
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
    async fn issue(&self, token: &OneTimeToken, purpose: TokenPurpose) -> Result<()> {
        let expires_at = self.clock.now().plus(purpose.lifetime());
        let item = TokenItem {
            hash: token.hash().to_string(),
            expires_at,
            ttl: ttl(expires_at),
        };
        self.table.put(&(token.user_id, purpose), &item).await
    }
}

/// The write of a transaction that uses up a token, if it is the one in its slot and good.
pub(super) fn spending(table: &Table, token: &TokenUse) -> Result<TransactWriteItem> {
    let values = HashMap::from([
        (":hash".to_owned(), text(&token.hash)),
        (":now".to_owned(), text(token.now)),
    ]);
    let slot = TokenItem::key(&(token.user_id, token.purpose));
    table.deleting(slot, "#hash = :hash AND #expiresAt > :now", values)
}
