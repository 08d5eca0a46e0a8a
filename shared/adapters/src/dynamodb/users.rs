//! Users.

mod bulk;
mod items;
mod transaction;
mod upkeep;

#[cfg(test)]
mod tests;

use std::time::Duration;

use application::ports::{Env, UserRepository};
use async_trait::async_trait;
use domain::{
    Change, Login, LoginKey, PasswordHash, Refusal, Result, User, UserId, Version,
    history::HistoryEntry, user::Stored,
};
use futures::{TryStreamExt as _, stream};
use serde::de::IgnoredAny;

pub use bulk::{NewUserItems, items_of_new};
pub(super) use items::{EVENT, feed_partition};
pub use upkeep::{Found, Row, Upkeep};

use self::{
    items::{AFTER_EVENTS, AdminCount, LoginItem, UserItem},
    transaction::{Failure, Transaction},
};
use super::{
    CALL_LIMIT, Entity as _, Key, LAST_TRY, Table, backoff,
    error::Fault,
    item::{PRESENT, Update, text},
    query::{KEYS, Query},
    table::{TRANSACTION_LIMIT, Written},
};

/// The users, in the users table.
#[derive(Clone)]
pub struct Users {
    table: Table,
    /// Where the one-time tokens are which a change may use up.
    sessions: Table,
    env: Env,
}

impl Users {
    /// The users in `table`, whose one-time tokens are in `sessions`.
    pub fn new(table: Table, sessions: Table, env: Env) -> Self {
        Self {
            table,
            sessions,
            env,
        }
    }

    /// Tries once to write `change`. Each attempt has its own stamp, and hence its own token.
    async fn attempt(&self, change: &Change) -> Result<Result<User, Failure>> {
        let stamped = change.stamp(self.env.clock.now());
        let user = stamped.user.clone();
        let token = self.env.random.token()?;
        let Transaction { writes, guards } =
            Transaction::new(&self.table, &self.sessions, change, stamped)?;
        Ok(match self.table.transact(writes, token).await {
            Ok(()) => Ok(user),
            Err(error) => Err(Failure::of(&self.table, &guards, &error)),
        })
    }

    /// The user as an earlier attempt wrote it, if one did: the entry of its version decides.
    ///
    /// # Errors
    /// `VersionConflict` if another change made that version.
    async fn written(&self, change: &Change) -> Result<Option<User>> {
        let version = (change.after.id, change.after.version);
        let Some(entry) = self.table.get::<HistoryEntry>(&version).await? else {
            return Ok(None);
        };
        if entry.event.id != change.event_id() {
            return Err(Refusal::VersionConflict.into());
        }
        Ok(Some(change.written_as(&entry)))
    }
}

/// How long a commit may take: its last try, and the read that finds out whether it was written.
pub const COMMIT_LIMIT: Duration = LAST_TRY
    .saturating_add(TRANSACTION_LIMIT)
    .saturating_add(CALL_LIMIT);

/// Updates of one history under way at once: one partition takes 1,000 writes each second.
const AT_ONCE: usize = 8;

/// The entries of a user's history from the version `first` on, oldest first.
fn events(id: UserId, first: Version) -> Query<'static> {
    let Key { pk, sk } = HistoryEntry::key(&(id, first));
    Query {
        keys: "#pk = :pk AND #sk BETWEEN :first AND :last",
        values: vec![
            (":pk", text(pk)),
            (":first", text(sk)),
            (":last", text(AFTER_EVENTS)),
        ],
        ..Query::default()
    }
}

#[async_trait]
impl UserRepository for Users {
    async fn find(&self, id: UserId) -> Result<Option<User>> {
        let item = self.table.get::<UserItem>(&id).await?;
        Ok(item.and_then(UserItem::into_user))
    }

    async fn find_stored(&self, id: UserId) -> Result<Option<Stored>> {
        let item = self.table.get::<UserItem>(&id).await?;
        Ok(item.map(UserItem::into_stored))
    }

    async fn find_login(&self, key: &LoginKey) -> Result<Option<Login>> {
        let item = self.table.get::<LoginItem>(key).await?;
        Ok(item.map(|item| item.into_login(key.clone())))
    }

    async fn commit(&self, change: &Change) -> Result<User> {
        let mut backoff = backoff(&self.env);
        loop {
            let failure = match self.attempt(change).await? {
                Ok(user) => return Ok(user),
                Err(failure) => failure,
            };
            // Whatever failed, an earlier attempt may have written it: a condition is unmet also
            // where our own write came before, and a reply may be lost after the effect.
            if let Some(user) = self.written(change).await? {
                return Ok(user);
            }
            if !matches!(failure, Failure::Fault(Fault::Passing(_))) || !backoff.pause().await? {
                return Err(failure.into());
            }
        }
    }

    async fn rehash(&self, old: &Login, new: &PasswordHash) -> Result<bool> {
        let Some(password) = &old.password else {
            return Ok(false);
        };
        let update = Update {
            key: LoginItem::key(&old.key),
            changes: "SET #passwordHash = :new",
            condition: Some("#userId = :userId AND #passwordHash = :old"),
            values: vec![
                (":userId", text(old.user_id)),
                (":old", text(password.expose())),
                (":new", text(new.expose())),
            ],
        };
        let written = self.table.update::<IgnoredAny>(update).await?;
        Ok(matches!(written, Written::Done(_)))
    }

    async fn has_administrator(&self) -> Result<bool> {
        let count = self.table.get::<AdminCount>(&()).await?;
        Ok(count.is_some_and(|administrators| administrators.count > 0))
    }

    async fn history_entry(&self, id: UserId, version: Version) -> Result<Option<HistoryEntry>> {
        self.table.get(&(id, version)).await
    }

    /// One query for each started megabyte (some 1,500 entries), consistent: a unit for each 4 KB.
    async fn history(
        &self,
        id: UserId,
        after: Option<Version>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>> {
        let first = after.map_or(Version::FIRST, Version::next);
        let entries = Query {
            limit: Some(limit),
            ..events(id, first)
        };
        self.table.read_all(&entries).await
    }

    /// One query for each started megabyte of history, and one update for each entry that still has
    /// its private part.
    async fn forget_private(&self, id: UserId) -> Result<()> {
        let entries = Query {
            filter: Some("attribute_exists(#private)"),
            only: Some(KEYS),
            ..events(id, Version::FIRST)
        };
        let keys: Vec<Key> = self.table.read_all(&entries).await?;
        stream::iter(keys.into_iter().map(Ok))
            .try_for_each_concurrent(AT_ONCE, async |key| {
                let forget = Update {
                    key,
                    changes: "REMOVE #private",
                    condition: Some(PRESENT),
                    values: Vec::new(),
                };
                self.table.update::<IgnoredAny>(forget).await.map(|_| ())
            })
            .await
    }
}
