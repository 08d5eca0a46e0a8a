//! The users of a [`FakeBackend`].

use application::ports::{Clock as _, UserRepository};
use async_trait::async_trait;
use domain::{
    Change, Login, LoginKey, PasswordHash, Refusal, Result, Timestamp, User, UserId, Version,
    history::HistoryEntry,
    login::LoginChange,
    token::TokenUse,
    user::{
        Stored, Tombstone,
        change::{AdminChange, Stamped},
    },
};

use super::{FakeBackend, state::State};

#[async_trait]
impl UserRepository for FakeBackend {
    async fn find(&self, id: UserId) -> Result<Option<User>> {
        self.call("users.find", |state| Ok(state.users.get(&id).cloned()))
            .await
    }

    async fn find_stored(&self, id: UserId) -> Result<Option<Stored>> {
        self.call("users.find_stored", |state| {
            let user = state.users.get(&id).cloned();
            let erased = || state.tombstones.get(&id).cloned().map(Stored::Erased);
            Ok(user.map(Box::new).map(Stored::Present).or_else(erased))
        })
        .await
    }

    async fn find_login(&self, key: &LoginKey) -> Result<Option<Login>> {
        self.call("users.find_login", |state| {
            Ok(state.logins.get(key).cloned())
        })
        .await
    }

    async fn commit(&self, change: &Change) -> Result<User> {
        let now = self.now();
        self.call("users.commit", |state| state.commit(change, now))
            .await
    }

    async fn rehash(&self, old: &Login, new: &PasswordHash) -> Result<bool> {
        self.call("users.rehash", |state| {
            let login = state.logins.get_mut(&old.key);
            let login = login.filter(|login| **login == *old && old.password.is_some());
            Ok(login
                .map(|login| login.password = Some(new.clone()))
                .is_some())
        })
        .await
    }

    async fn has_administrator(&self) -> Result<bool> {
        self.call("users.has_administrator", |state| Ok(state.admins > 0))
            .await
    }

    async fn history_entry(&self, id: UserId, version: Version) -> Result<Option<HistoryEntry>> {
        self.call("users.history_entry", |state| {
            Ok(state.history.get(&(id, version)).cloned())
        })
        .await
    }

    async fn history(
        &self,
        id: UserId,
        after: Option<Version>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>> {
        let first = after.map_or(Version::FIRST, Version::next);
        let last = Version::from(u64::MAX);
        self.call("users.history", |state| {
            let entries = state.history.range((id, first)..=(id, last));
            Ok(entries
                .map(|(_, entry)| entry.clone())
                .take(limit)
                .collect())
        })
        .await
    }

    async fn forget_private(&self, id: UserId) -> Result<()> {
        self.call("users.forget_private", |state| {
            let entries = state
                .history
                .iter_mut()
                .filter(|((user, _), _)| *user == id);
            entries.for_each(|(_, entry)| entry.private = None);
            Ok(())
        })
        .await
    }
}

impl State {
    /// All or nothing, as the transaction of the real table.
    pub(super) fn commit(&mut self, change: &Change, now: Timestamp) -> Result<User> {
        let (id, version) = (change.after.id, change.after.version);
        let replaced = change.replaces.as_deref();
        if let Some(written) = self.history.get(&(id, version)) {
            return if written.event.id == change.event_id() {
                Ok(change.written_as(written))
            } else {
                Err(Refusal::VersionConflict.into())
            };
        }
        let is_expected = |change: &Change| {
            let there = self.users.get(&change.after.id);
            there.map(|user| user.version) == change.expected()
        };
        if !is_expected(change) || !replaced.is_none_or(is_expected) {
            return Err(Refusal::VersionConflict.into());
        }
        if change
            .token
            .as_ref()
            .is_some_and(|token| !self.is_good(token))
        {
            return Err(Refusal::TokenExpired.into());
        }
        if change.claims().any(|key| self.logins.contains_key(key)) {
            return Err(Refusal::EmailTaken.into());
        }
        match change.admins {
            AdminChange::None => {}
            AdminChange::Gained => self.admins += 1,
            AdminChange::First if self.admins == 0 => self.admins += 1,
            AdminChange::First => return Err(Refusal::VersionConflict.into()),
            AdminChange::Lost if self.admins > 1 => self.admins -= 1,
            AdminChange::Lost => return Err(Refusal::LastAdministrator.into()),
        }
        if let Some(token) = &change.token
            && let Some(slot) = self.tokens.get_mut(&(token.user_id, token.purpose))
        {
            slot.receipt = Some(token.receipt.clone());
        }
        if let Some(erasure) = replaced {
            self.write(erasure, now);
        }
        Ok(self.write(change, now))
    }

    fn write(&mut self, change: &Change, now: Timestamp) -> User {
        let Stamped { user, entry } = change.stamp(now);
        for login in &change.logins {
            self.apply(&user, login);
        }
        self.remember(&entry.event);
        self.history.insert((user.id, user.version), entry);
        if change.erases {
            self.users.remove(&user.id);
            self.tombstones.insert(user.id, Tombstone::of(&user));
        } else {
            self.users.insert(user.id, user.clone());
        }
        user
    }

    pub(super) fn is_good(&self, token: &TokenUse) -> bool {
        let slot = self.tokens.get(&(token.user_id, token.purpose));
        slot.is_some_and(|slot| {
            slot.hash == token.hash
                && slot.expires_at > token.now
                && !token.epoch.voids(slot.issued_at)
                && slot.receipt.is_none()
        })
    }

    fn apply(&mut self, user: &User, change: &LoginChange) {
        match change {
            LoginChange::Claim(key, password) | LoginChange::TakeOver { key, password, .. } => {
                let login = Login {
                    key: key.clone(),
                    user_id: user.id,
                    password: password.clone(),
                    password_version: password.as_ref().and(user.password_version),
                };
                self.logins.insert(key.clone(), login);
            }
            LoginChange::SetPassword(key, password) => {
                if let Some(login) = self.logins.get_mut(key) {
                    login.password = Some(password.clone());
                    login.password_version = user.password_version;
                }
            }
            LoginChange::RemovePassword(key) => {
                if let Some(login) = self.logins.get_mut(key) {
                    login.password = None;
                    login.password_version = user.password_version;
                }
            }
            LoginChange::Release(key) => {
                self.logins.remove(key);
            }
        }
    }
}
