//! The users: the write model, and what is kept about them.

use async_trait::async_trait;
use domain::{
    Change, DomainEvent, Login, LoginKey, OneTimeToken, PasswordHash, RequestId, Result, Session,
    SessionId, Timestamp, TokenPurpose, User, UserId, Version,
    audit::{AuditEntry, AuditPage, AuditQuery, Trace},
    history::HistoryEntry,
    request::AnonymousRequest,
    token::{StoredToken, TokenIssue, TokenUse},
    user::Stored,
};

/// Loads users and commits changes of them.
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// The user with this id; none if there never was one or it was erased. Strongly consistent.
    async fn find(&self, id: UserId) -> Result<Option<User>>;

    /// The item of this user or the tombstone; none if there never was one. Strongly consistent.
    async fn find_stored(&self, id: UserId) -> Result<Option<Stored>>;

    /// The login with this key, if a user has claimed it. Strongly consistent.
    async fn find_login(&self, key: &LoginKey) -> Result<Option<Login>>;

    /// Writes a change: state, event and logins in one transaction, stamped with the time of the
    /// write. Returns the user as written. Idempotent by the event's id: a change that was written
    /// before is not written again.
    ///
    /// # Errors
    /// In this order: `VersionConflict` if the user changed since, or would no longer be the first
    /// administrator; `TokenExpired` if the token it spends is not the one in its slot, was used or has
    /// expired; `EmailTaken` if another user has a login it claims; `LastAdministrator` if no active
    /// administrator would be left.
    async fn commit(&self, change: &Change) -> Result<User>;

    /// Replaces the hash in `old` by a fresh one of the same password, if `old.key` still is that
    /// user's and still has that hash. Returns true if it was replaced. The one write without an event:
    /// what the user is and may do stays the same.
    async fn rehash(&self, old: &Login, new: &PasswordHash) -> Result<bool>;

    /// True if there is an active administrator. Strongly consistent.
    async fn has_administrator(&self) -> Result<bool>;

    async fn history_entry(&self, id: UserId, version: Version) -> Result<Option<HistoryEntry>>;

    /// Up to `limit` entries of a user's history, oldest first, after the version `after` if one is
    /// given. Of an erased user too.
    async fn history(
        &self,
        id: UserId,
        after: Option<Version>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>>;

    /// Removes the private part of every entry of an erased user's history. The chain stays whole.
    /// Idempotent.
    async fn forget_private(&self, id: UserId) -> Result<()>;
}

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

    /// Writes time and methods of a session whose user proved once more to be the user, if the stored one
    /// has the same epoch and has not ended. Returns true if it was written. Idempotent.
    async fn prove(&self, next: &Session) -> Result<bool>;

    /// Marks a session as ended, together with the event, and notes from where. Returns true if this event ended it, also
    /// when repeated; false if the session had ended before or never was.
    async fn end(
        &self,
        user: UserId,
        id: SessionId,
        event: &DomainEvent,
        from: &Trace,
    ) -> Result<bool>;

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

/// Keeps anonymous requests until an observer has carried them out.
#[async_trait]
pub trait AnonymousRequests: Send + Sync {
    /// Writes a request together with its event.
    async fn put(&self, request: &AnonymousRequest, event: &DomainEvent) -> Result<()>;

    /// The request with this id, unless it was removed or has expired.
    async fn find(&self, id: RequestId) -> Result<Option<AnonymousRequest>>;

    /// Removes a request for a mail. Idempotent.
    async fn remove_mail_request(&self, id: RequestId) -> Result<()>;

    /// Removes a sign-up, with its password. Idempotent.
    async fn remove_sign_up(&self, id: RequestId) -> Result<()>;
}

/// Keeps the one-time tokens. The change they permit uses them up: see
/// [`Change::spending`](domain::Change::spending).
#[async_trait]
pub trait OneTimeTokens: Send + Sync {
    /// Puts a token into the user's slot for its purpose; the one before is void. Nothing changes if
    /// the slot has a newer one, or this one already: a used token stays used. Nor does a good one give
    /// way that can be made again from its seed, unless `token` names it: of several that are issued at
    /// once the first counts. Returns true if the token is in its slot and unused.
    async fn issue(&self, token: &TokenIssue, now: Timestamp) -> Result<bool>;

    /// The token in the user's slot, if it is good at `now` and has a seed. Strongly consistent.
    async fn find_good(
        &self,
        user: UserId,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Result<Option<StoredToken>>;

    /// True if a change that spends `token` would find it good.
    async fn is_good(&self, token: &TokenUse) -> Result<bool>;

    /// True if `token` is in its slot, was used, and has not expired at `now`.
    async fn is_used(&self, token: &OneTimeToken, now: Timestamp) -> Result<bool>;
}

/// Records and reads the audit trail.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Records a line. Idempotent.
    async fn record(&self, entry: &AuditEntry) -> Result<()>;

    /// The lines that match the query, newest first. One call reads a bounded amount: a page may hold
    /// fewer lines than the limit, even none, and still have a next one.
    async fn list(&self, query: &AuditQuery) -> Result<AuditPage>;
}
