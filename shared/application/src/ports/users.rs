//! The users: the write model.

use async_trait::async_trait;
use domain::{
    Change, Login, LoginKey, PasswordHash, Result, User, UserId, Version, history::HistoryEntry,
};

/// Loads users and commits changes of them.
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// The user with this id; none if there never was one or it was erased. Strongly consistent.
    async fn find(&self, id: UserId) -> Result<Option<User>>;

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
