//! The sessions.

use async_trait::async_trait;
use domain::{DomainEvent, Result, Session, SessionId, User, UserId};

/// Loads and writes sessions.
#[async_trait]
pub trait SessionRepository: Send + Sync {
    /// Writes a new session together with its event.
    async fn start(&self, session: &Session, event: &DomainEvent) -> Result<()>;

    /// The session with this id, ended or not.
    async fn find(&self, user: UserId, id: SessionId) -> Result<Option<Session>>;

    /// Every session of a user that has not expired, newest first, ended or not.
    async fn list(&self, user: UserId) -> Result<Vec<Session>>;

    /// Writes the next generation of a session, if the stored one has the generation before and the
    /// same epoch, and has not ended. Returns true if this call wrote it.
    async fn rotate(&self, next: &Session) -> Result<bool>;

    /// Marks a session as ended, together with the event. Returns true if this event ended it, also
    /// when repeated; false if the session had ended before or never was.
    async fn end(&self, user: UserId, id: SessionId, event: &DomainEvent) -> Result<bool>;

    /// Sets a session to the epoch to which a change of the user just led, so that it outlives the
    /// change which ends all others. Nothing happens to a session that is gone, has ended, or was not
    /// at the epoch before. Idempotent.
    async fn confirm(&self, user: UserId, id: SessionId, epoch: u64) -> Result<()>;

    /// Removes everything kept under a user: sessions and one-time tokens. Idempotent.
    async fn forget(&self, user: UserId) -> Result<()>;
}

/// Shorthands over [`SessionRepository`].
impl dyn SessionRepository {
    /// Lets the session that asked for a change outlive it; `user` is the user after the change. If
    /// that fails the session ends like the others, and the change, which is written, stands.
    pub async fn keep(&self, user: &User, id: SessionId) {
        if let Err(error) = self.confirm(user.id, id, user.auth_epoch).await {
            tracing::warn!(%error, "the session that asked for a change ends with the others");
        }
    }
}
