//! Counters of attempts.

use std::{fmt::Display, sync::Arc, time::Duration};

use application::ports::{Acquisition, Attempts, Clock, Lock};
use async_trait::async_trait;
use domain::{
    DomainEvent, Error, Result, Timestamp, UserId,
    attempt::{AttemptCounter, AttemptKey, Limit},
    audit::Trace,
    sign_ins::LOCK_KEPT,
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Entity, Key, Table,
    item::{Item, Update, number, text, ttl},
    query::{KEYS, Query},
    table::Written,
};

/// Tries of an update of a counter which others change meanwhile.
const LOOKS: usize = 10;

/// The counters, in the sessions table.
#[derive(Clone)]
pub struct AttemptCounts {
    table: Table,
    clock: Arc<dyn Clock>,
}

impl AttemptCounts {
    /// The counters in `table`.
    pub fn new(table: Table, clock: Arc<dyn Clock>) -> Self {
        Self { table, clock }
    }

    /// Counts one more within the allowance: one write, whatever others do. Otherwise returns the item.
    async fn spend_allowance(
        &self,
        key: &AttemptKey,
        limit: &Limit,
        now: Timestamp,
    ) -> Result<Option<AttemptItem>> {
        let first = limit.spend(None, now).map_err(|_| no_limit())?;
        let update = Update {
            key: AttemptItem::key(key),
            changes: "SET #count = if_not_exists(#count, :zero) + :one, \
                      #blockedUntil = :blockedUntil, \
                      #expiresAt = if_not_exists(#expiresAt, :expiresAt), \
                      #ttl = if_not_exists(#ttl, :ttl)",
            condition: Some(
                "attribute_not_exists(#pk) OR (#count < :allowance AND #expiresAt > :now)",
            ),
            values: vec![
                (":zero", number(0)),
                (":one", number(1)),
                (":blockedUntil", text(first.blocked_until)),
                (":expiresAt", text(first.expires_at)),
                (":ttl", number(ttl(first.expires_at))),
                (":allowance", number(limit.allowance)),
                (":now", text(now)),
            ],
        };
        match self.table.update(update).await? {
            Written::Done(_) => Ok(None),
            Written::Refused(Some(there)) => Ok(Some(there)),
            Written::Refused(None) => Err(Error::internal("a count was refused and not shown")),
        }
    }

    /// Changes the counter from `before` to `after`, unless another call changed it since. Returns true
    /// if it was changed.
    async fn replace(
        &self,
        key: &AttemptKey,
        before: &AttemptCounter,
        after: &AttemptCounter,
    ) -> Result<bool> {
        let update = Update {
            key: AttemptItem::key(key),
            changes: "SET #count = :count, #blockedUntil = :blockedUntil, \
                      #expiresAt = :expiresAt, #ttl = :ttl",
            condition: Some("#count = :before AND #blockedUntil = :wasBlockedUntil"),
            values: vec![
                (":count", number(after.count)),
                (":blockedUntil", text(after.blocked_until)),
                (":expiresAt", text(after.expires_at)),
                (":ttl", number(ttl(after.expires_at))),
                (":before", number(before.count)),
                (":wasBlockedUntil", text(before.blocked_until)),
            ],
        };
        let written = self.table.update::<IgnoredAny>(update).await?;
        Ok(matches!(written, Written::Done(_)))
    }
}

/// A counter.
#[derive(Serialize, Deserialize)]
struct AttemptItem {
    #[serde(flatten)]
    counter: AttemptCounter,
    /// The end of the last lockout that was announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    announced: Option<Timestamp>,
    ttl: i64,
}

impl Entity for AttemptItem {
    type Id = AttemptKey;

    fn key(key: &AttemptKey) -> Key {
        let (scope, subject) = (key.scope().as_str(), key.subject());
        Key::new(format!("ATTEMPT#{scope}#{subject}"), "ATTEMPT")
    }
}

/// The event of a lock: outbox, and witness of the line that the audit trail has of it.
#[derive(Serialize, Deserialize)]
struct LockItem {
    event: DomainEvent,
    /// Not there in locks of before it was kept.
    #[serde(default)]
    from: Trace,
    #[serde(rename = "expiresAt")]
    expires_at: Timestamp,
    ttl: i64,
}

/// How long the lock of an address without an account is kept: until it was published. Nobody is there to
/// ask for it later.
const ANONYMOUS_LOCK_KEPT: Duration = Duration::from_hours(24);

impl LockItem {
    fn new(lock: &Lock) -> Self {
        let Lock { event, from } = lock.clone();
        let kept = event.user_id.map_or(ANONYMOUS_LOCK_KEPT, |_| LOCK_KEPT);
        let expires_at = event.time.plus(kept);
        Self {
            event,
            from,
            expires_at,
            ttl: ttl(expires_at),
        }
    }
}

impl Entity for LockItem {
    /// Who is locked out, what is counted, and until when: however many announce one lock, the first one
    /// does.
    type Id = (String, &'static str, Timestamp);

    fn key((who, scope, until): &Self::Id) -> Key {
        Key::new(locks_of(who), format!("{until}#{scope}"))
    }
}

#[async_trait]
impl Attempts for AttemptCounts {
    /// One update within the allowance, two beyond it.
    async fn spend(&self, key: &AttemptKey, limit: &Limit) -> Result<Acquisition> {
        let now = self.clock.now();
        for _ in 0..LOOKS {
            let Some(item) = self.spend_allowance(key, limit, now).await? else {
                return Ok(Acquisition::Acquired);
            };
            let next = match limit.spend(Some(&item.counter), now) {
                Ok(next) => next,
                Err(until) => {
                    let announced = item.announced == Some(until);
                    return Ok(Acquisition::Limited { until, announced });
                }
            };
            if self.replace(key, &item.counter, &next).await? {
                return Ok(Acquisition::Acquired);
            }
        }
        Err(Error::internal("a counter changes all the time"))
    }

    /// One delete if it was the first attempt, else one update more.
    async fn refund(&self, key: &AttemptKey) -> Result<()> {
        let now = self.clock.now();
        for _ in 0..LOOKS {
            let values = [(":one".to_owned(), number(1))];
            let is_first = "attribute_not_exists(#pk) OR #count <= :one";
            let key_of_item = AttemptItem::key(key);
            let values = Item::from(values);
            if self.table.delete_if(key_of_item, is_first, values).await? {
                return Ok(());
            }
            let update = Update {
                key: AttemptItem::key(key),
                changes: "SET #count = #count - :one, #blockedUntil = :now",
                condition: Some("#count > :one"),
                values: vec![(":one", number(1)), (":now", text(now))],
            };
            if let Written::Done(IgnoredAny) = self.table.update(update).await? {
                return Ok(());
            }
        }
        Err(Error::internal("a counter changes all the time"))
    }

    /// One delete.
    async fn clear(&self, key: &AttemptKey) -> Result<()> {
        self.table.delete(AttemptItem::key(key)).await
    }

    /// Two writes: the event first, since the counter says only that it was written.
    async fn announce(&self, key: &AttemptKey, until: Timestamp, lock: &Lock) -> Result<()> {
        let user = lock.event.user_id.map(|user| user.to_string());
        let who = user.unwrap_or_else(|| key.subject().to_owned());
        let id = (who, key.scope().as_str(), until);
        self.table.insert(&id, &LockItem::new(lock)).await?;
        let update = Update {
            key: AttemptItem::key(key),
            changes: "SET #announced = :until",
            condition: Some("attribute_exists(#pk)"),
            values: vec![(":until", text(until))],
        };
        let (Written::Done(IgnoredAny) | Written::Refused(_)) = self.table.update(update).await?;
        Ok(())
    }

    /// One query for each started megabyte, consistent.
    async fn locks(&self, user: UserId) -> Result<Vec<Lock>> {
        let kept = Query {
            keys: "#pk = :pk",
            filter: Some("#expiresAt > :now"),
            values: vec![
                (":pk", text(locks_of(user))),
                (":now", text(self.clock.now())),
            ],
            ..Query::default()
        };
        let locks: Vec<LockItem> = self.table.read_all(&kept).await?;
        let locks = locks.into_iter();
        let lock = |LockItem { event, from, .. }| Lock { event, from };
        Ok(locks.map(lock).collect())
    }

    /// One query for each started megabyte, and one delete for each lock.
    async fn forget_locks(&self, user: UserId) -> Result<()> {
        let everything = Query {
            keys: "#pk = :pk",
            only: Some(KEYS),
            values: vec![(":pk", text(locks_of(user)))],
            ..Query::default()
        };
        for key in self.table.read_all::<Key>(&everything).await? {
            self.table.delete(key).await?;
        }
        Ok(())
    }
}

/// The partition of the locks of a user, or of an address that has no account.
fn locks_of(who: impl Display) -> String {
    format!("LOCK#{who}")
}

fn no_limit() -> Error {
    Error::internal("the first attempt is always allowed")
}
