//! Sessions.

use application::ports::{Env, SessionRepository};
use async_trait::async_trait;
use domain::{
    DomainEvent, Error, Result, Session, SessionId, UserId,
    audit::{AuditEntry, Trace},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Entity, Key, Table,
    item::{Update, number, text, ttl, value},
    query::{KEYS, Query},
    table::Written,
};

/// The sessions, in the sessions table.
#[derive(Clone)]
pub struct Sessions {
    table: Table,
    env: Env,
}

impl Sessions {
    /// The sessions in `table`.
    pub fn new(table: Table, env: Env) -> Self {
        Self { table, env }
    }
}

/// The partition of a user, which has the one-time tokens too.
fn partition(user: UserId) -> String {
    format!("USER#{user}")
}

/// A session, and in the same item the event of the write that made it so: an outbox of one.
#[derive(Serialize, Deserialize)]
struct SessionItem {
    #[serde(flatten)]
    session: Session,
    /// None if the last write has no event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<DomainEvent>,
    ttl: i64,
}

impl Entity for SessionItem {
    type Id = (UserId, SessionId);

    fn key((user, id): &(UserId, SessionId)) -> Key {
        Key::new(partition(*user), format!("SESSION#{id}"))
    }
}

#[async_trait]
impl SessionRepository for Sessions {
    async fn start(&self, session: &Session, event: &DomainEvent) -> Result<()> {
        let item = SessionItem {
            session: session.clone(),
            event: Some(event.clone()),
            ttl: ttl(session.expires_at),
        };
        match self
            .table
            .insert(&(session.user_id, session.id), &item)
            .await?
        {
            // With our nonce it is ours: the reply to an earlier attempt was lost.
            Some(other) if other.session.nonce != session.nonce => {
                Err(Error::internal("the id of a session is in use"))
            }
            _ => Ok(()),
        }
    }

    async fn find(&self, user: UserId, id: SessionId) -> Result<Option<Session>> {
        let item = self.table.get::<SessionItem>(&(user, id)).await?;
        Ok(item.map(|item| item.session))
    }

    /// One query for each started megabyte (some 1,500 sessions), consistent.
    async fn list(&self, user: UserId) -> Result<Vec<Session>> {
        let now = self.env.clock.now();
        let alive = Query {
            keys: "#pk = :pk AND begins_with(#sk, :session)",
            filter: Some("#expiresAt > :now"),
            values: vec![
                (":pk", text(partition(user))),
                (":session", text("SESSION#")),
                (":now", text(now)),
            ],
            // Ids begin with the time.
            descending: true,
            ..Query::default()
        };
        let items: Vec<SessionItem> = self.table.read_all(&alive).await?;
        Ok(items.into_iter().map(|item| item.session).collect())
    }

    /// One update. It has no event, so it removes that of the write before.
    async fn rotate(&self, next: &Session) -> Result<bool> {
        let Some(before) = next.generation.checked_sub(1) else {
            return Err(Error::internal("a session begins at generation 0"));
        };
        let rotation = Update {
            key: SessionItem::key(&(next.user_id, next.id)),
            changes: "SET #generation = :generation, #lastUsedAt = :now, \
                      #earlierUses = :earlierUses, #refreshes = :refreshes, \
                      #expiresAt = :expiresAt, #ttl = :ttl REMOVE #event",
            condition: Some(
                "#generation = :before AND #authEpoch = :epoch AND attribute_not_exists(#endedAt)",
            ),
            values: vec![
                (":generation", number(next.generation)),
                (":now", text(next.last_used_at)),
                (":refreshes", value(&next.refreshes)?),
                (":earlierUses", value(&next.earlier_uses)?),
                (":expiresAt", text(next.expires_at)),
                (":ttl", number(ttl(next.expires_at))),
                (":before", number(before)),
                (":epoch", number(next.auth_epoch)),
            ],
        };
        let written = self.table.update::<IgnoredAny>(rotation).await?;
        Ok(matches!(written, Written::Done(_)))
    }

    /// One update. It has no event, so it removes that of the write before.
    async fn prove(&self, next: &Session) -> Result<bool> {
        let proof = Update {
            key: SessionItem::key(&(next.user_id, next.id)),
            changes: "SET #authTime = :authTime, #methods = :methods REMOVE #event",
            condition: Some("#authEpoch = :epoch AND attribute_not_exists(#endedAt)"),
            values: vec![
                (":authTime", text(next.authenticated_at())),
                (":methods", value(&next.methods)?),
                (":epoch", number(next.auth_epoch)),
            ],
        };
        let written = self.table.update::<IgnoredAny>(proof).await?;
        Ok(matches!(written, Written::Done(_)))
    }

    /// One update.
    async fn end(
        &self,
        user: UserId,
        id: SessionId,
        event: &DomainEvent,
        from: &Trace,
    ) -> Result<bool> {
        let end = Update {
            key: SessionItem::key(&(user, id)),
            changes: "SET #endedAt = :now, #endedFrom = :from, #endLine = :line, #event = :event",
            condition: Some("attribute_exists(#pk) AND attribute_not_exists(#endedAt)"),
            values: vec![
                (":now", text(event.time)),
                (":line", text(AuditEntry::of_event(event).digest())),
                (":event", value(event)?),
                (":from", value(from)?),
            ],
        };
        Ok(match self.table.update::<SessionItem>(end).await? {
            Written::Done(_) => true,
            // With our event it is ours: the reply to an earlier attempt was lost.
            Written::Refused(there) => there
                .and_then(|item| item.event)
                .is_some_and(|known| known.id == event.id),
        })
    }

    /// One update. It has no event, so it removes that of the write before.
    async fn confirm(&self, user: UserId, id: SessionId, epoch: u64) -> Result<()> {
        let Some(before) = epoch.checked_sub(1) else {
            return Ok(());
        };
        let confirmation = Update {
            key: SessionItem::key(&(user, id)),
            changes: "SET #authEpoch = :epoch REMOVE #event",
            condition: Some("#authEpoch = :before AND attribute_not_exists(#endedAt)"),
            values: vec![(":epoch", number(epoch)), (":before", number(before))],
        };
        // The condition is also unmet if an earlier attempt was written and its reply lost.
        let (Written::Done(IgnoredAny) | Written::Refused(_)) =
            self.table.update(confirmation).await?;
        Ok(())
    }

    /// One query for each started megabyte, and one batch for each 25 items of it.
    async fn forget(&self, user: UserId) -> Result<()> {
        let everything = Query {
            keys: "#pk = :pk",
            only: Some(KEYS),
            values: vec![(":pk", text(partition(user)))],
            ..Query::default()
        };
        let mut after = None;
        loop {
            let page = self.table.query::<Key>(&everything, after).await?;
            self.table.delete_all(page.items, &self.env).await?;
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}
