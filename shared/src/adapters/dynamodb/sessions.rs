//! Sessions.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Entity, Key, Table, item::ttl};
use crate::{
    domain::{DomainEvent, Error, Result, Session, SessionId, UserId},
    ports::SessionRepository,
};

/// The sessions, in the sessions table.
#[derive(Debug, Clone)]
pub struct Sessions {
    table: Table,
}

impl Sessions {
    /// The sessions in `table`.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

/// A session, and in the same item the event of the write that made it so: an outbox of one.
#[derive(Serialize, Deserialize)]
struct SessionItem {
    #[serde(flatten)]
    session: Session,
    /// Absent where the last write was no event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<DomainEvent>,
    ttl: i64,
}

impl Entity for SessionItem {
    type Id = (UserId, SessionId);

    fn key((user, id): &(UserId, SessionId)) -> Key {
        Key::new(format!("USER#{user}"), format!("SESSION#{id}"))
    }
}

#[async_trait]
impl SessionRepository for Sessions {
    async fn list(&self, _: UserId) -> Result<Vec<Session>> {
        Err(crate::domain::Error::internal("to be written"))
    }
    async fn confirm(&self, _: UserId, _: SessionId, _: u64) -> Result<()> {
        Err(crate::domain::Error::internal("to be written"))
    }
    async fn forget(&self, _: UserId) -> Result<()> {
        Err(crate::domain::Error::internal("to be written"))
    }

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
            // With our nonce it is ours: the reply to an earlier try was lost.
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
}
