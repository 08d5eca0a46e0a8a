//! The one thing that is ever written of a user: its next state together with the event that
//! made it.

use super::{Draft, Tombstone, User};
use crate::{
    DomainEvent, EventId, EventKind, LoginKey, Role, Roles, Timestamp, Version,
    event::{EventData, EventMetadata, RolesChange},
    history::{Digest, HistoryEntry, Private},
    login::LoginChange,
    token::TokenUse,
};

/// What a change does to the number of active administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminChange {
    /// The number stays.
    None,
    /// One more.
    Gained,
    /// One more, and a conflict if there is one already.
    First,
    /// One less, and refused if it is the last.
    Lost,
}

/// A change of one user, made by the aggregate's methods only. A state without its event cannot be
/// expressed. Times and hashes are not in it: each attempt to write it adds its own by
/// [`Change::stamp`].
#[derive(Debug, Clone)]
pub struct Change {
    /// The state after the change.
    pub after: Draft,
    /// What it does to the number of active administrators.
    pub admins: AdminChange,
    pub logins: Vec<LoginChange>,
    /// True if only a tombstone stays of the user.
    pub erases: bool,
    /// The one-time token that permits it and is used up with it.
    pub token: Option<TokenUse>,
    /// The erasure of another user, which is written with it or not at all.
    pub replaces: Option<Box<Change>>,
    before: Option<Before>,
    /// None if the user is created when this is written.
    created_at: Option<Timestamp>,
    kind: EventKind,
    data: EventData,
    metadata: EventMetadata,
    private: Private,
}

/// The version which a change follows.
#[derive(Debug, Clone)]
struct Before {
    version: Version,
    updated_at: Timestamp,
    chain: Digest,
    roles: Roles,
}

/// What one attempt writes of a change.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// The state after the change.
    pub user: User,
    /// The event that made it, sealed into the user's history.
    pub entry: HistoryEntry,
}

impl Change {
    /// The change that creates a user; `created_at` is given if another system did so before.
    pub(super) fn creation(
        after: Draft,
        created_at: Option<Timestamp>,
        kind: EventKind,
        logins: Vec<LoginChange>,
        metadata: &EventMetadata,
    ) -> Self {
        let admins = if after.is_active_admin() {
            AdminChange::Gained
        } else {
            AdminChange::None
        };
        let private = Private {
            new_email: Some(after.email.clone()),
            ..Private::of(metadata)
        };
        Self {
            after,
            admins,
            logins,
            erases: false,
            token: None,
            replaces: None,
            before: None,
            created_at,
            kind,
            data: EventData::default(),
            metadata: metadata.clone(),
            private,
        }
    }

    /// The change from `before` to `after`, in which the fields `changed` differ.
    pub(super) fn update(
        before: &User,
        after: Draft,
        kind: EventKind,
        changed: &[&str],
        logins: Vec<LoginChange>,
        metadata: &EventMetadata,
    ) -> Self {
        let admins = match (before.is_active_admin(), after.is_active_admin()) {
            (false, true) => AdminChange::Gained,
            (true, false) => AdminChange::Lost,
            _ => AdminChange::None,
        };
        let (old_email, new_email) = match kind {
            EventKind::UserEmailChanged => (Some(before.email.clone()), Some(after.email.clone())),
            EventKind::UserEmailChangeRequested => (None, after.pending_email.clone()),
            _ => (None, None),
        };
        Self {
            after,
            admins,
            logins,
            erases: false,
            token: None,
            replaces: None,
            before: Some(Before {
                version: before.version,
                updated_at: before.updated_at,
                chain: before.chain,
                roles: before.roles.clone(),
            }),
            created_at: Some(before.created_at),
            kind,
            data: EventData::changed(changed),
            metadata: metadata.clone(),
            private: Private {
                old_email,
                new_email,
                ..Private::of(metadata)
            },
        }
    }

    /// The change as `token` permits it: both are written, or neither.
    #[must_use]
    pub fn spending(self, token: TokenUse) -> Self {
        Self {
            token: Some(token),
            ..self
        }
    }

    /// The creation of a user in place of the one whom `erasure` erases: both are written, or neither.
    /// The new user takes over the logins which both claim; the other logins of the old one are free.
    #[must_use]
    pub fn replacing(mut self, mut erasure: Self) -> Self {
        let from = erasure.after.id;
        for login in &mut self.logins {
            let LoginChange::Claim(key, password) = login else {
                continue;
            };
            let release = LoginChange::Release(key.clone());
            if let Some(held) = erasure.logins.iter().position(|held| *held == release) {
                erasure.logins.remove(held);
                let (key, password) = (key.clone(), password.take());
                *login = LoginChange::TakeOver {
                    key,
                    password,
                    from,
                };
            }
        }
        self.replaces = Some(Box::new(erasure));
        self
    }

    /// The change which also makes the user the first administrator. If there is one by the time it is
    /// written, it is refused as a `VersionConflict`. A user who is not active gets no role.
    #[must_use]
    pub fn granting_admin(mut self) -> Self {
        if self.after.active && self.after.roles.insert(Role::admin()) {
            self.admins = AdminChange::First;
            self.data.changed.push("roles".to_owned());
        }
        self
    }

    /// The change that leaves only a tombstone.
    pub(super) fn erasing(self) -> Self {
        Self {
            erases: true,
            ..self
        }
    }

    /// The version which the user must have when this is written; none for a new user.
    pub fn expected(&self) -> Option<Version> {
        self.before.as_ref().map(|before| before.version)
    }

    /// The id of its event, by which a retry finds out whether it was written.
    pub fn event_id(&self) -> EventId {
        self.metadata.event_id
    }

    /// True if it takes back what may let somebody in as `user`, whom it changes: every session, or a
    /// pending address.
    pub fn revokes(&self, user: &User) -> bool {
        let withdraws = user.pending_email.is_some() && self.after.pending_email.is_none();
        withdraws || self.after.auth_epoch > user.auth_epoch
    }

    pub fn claims(&self) -> impl Iterator<Item = &LoginKey> {
        self.logins.iter().filter_map(|login| match login {
            LoginChange::Claim(key, _) => Some(key),
            _ => None,
        })
    }

    /// What an attempt at `now` writes. Each attempt stamps anew, so that no row appears in the feed
    /// with a time long past. A version is always later than the one before.
    pub fn stamp(&self, now: Timestamp) -> Stamped {
        let before = self.before.as_ref();
        let time = match before {
            Some(before) => Timestamp::after(now, before.updated_at),
            None => now.max(self.metadata.now),
        };
        let event = DomainEvent {
            time,
            user_id: Some(self.after.id),
            version: Some(self.after.version),
            ..self.metadata.event(self.kind, self.data())
        };
        let previous = before.map_or(Digest::NONE, |before| before.chain);
        let mut user = self.written_at(time, Digest::NONE);
        let state = if self.erases {
            Tombstone::of(&user).digest()
        } else {
            user.digest(&self.private.salt)
        };
        let entry = HistoryEntry::seal(event, previous, self.private.clone(), Some(state));
        user.chain = entry.hash;
        Stamped { user, entry }
    }

    /// The data of the event, with the roles if they change: whichever method changed them.
    fn data(&self) -> EventData {
        let before = self.before.as_ref().map(|before| &before.roles);
        let before = before.cloned().unwrap_or_default();
        let after = self.after.roles.clone();
        EventData {
            roles: (before != after).then_some(RolesChange { before, after }),
            ..self.data.clone()
        }
    }

    /// The state after, as written by the attempt which left `entry` in the history.
    pub fn written_as(&self, entry: &HistoryEntry) -> User {
        self.written_at(entry.event.time, entry.hash)
    }

    fn written_at(&self, time: Timestamp, chain: Digest) -> User {
        let created_at = self.created_at.unwrap_or(time);
        self.after.clone().written(created_at, time, chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Origin, PasswordHash, UserId, user::NewUser};

    fn metadata(seconds: i64) -> EventMetadata {
        EventMetadata {
            event_id: EventId::new(Timestamp::from_seconds(seconds), [1; 10]),
            salt: "salt".to_owned(),
            now: Timestamp::from_seconds(seconds),
            origin: Origin::system("request-1"),
        }
    }

    fn creation() -> Change {
        let new = NewUser {
            id: UserId::new(Timestamp::from_seconds(1), [1; 10]),
            email: "ann@example.com".parse().unwrap(),
            name: "Ann".parse().unwrap(),
            password: PasswordHash::from_phc("$hash"),
            roles: crate::Roles::new(),
        };
        User::create(new, &metadata(10))
    }

    #[test]
    fn each_attempt_has_its_own_time_and_hash() {
        let change = creation();
        let (first, second) = (
            change.stamp(Timestamp::from_seconds(10)),
            change.stamp(Timestamp::from_seconds(20)),
        );
        assert_eq!(first.user.created_at, Timestamp::from_seconds(10));
        assert_eq!(second.user.created_at, Timestamp::from_seconds(20));
        assert_eq!(second.user.updated_at, second.entry.event.time);
        assert_eq!(second.user.chain, second.entry.hash);
        assert_ne!(first.entry.hash, second.entry.hash);
        assert_eq!(change.written_as(&first.entry), first.user);
    }

    #[test]
    fn a_version_is_later_than_the_one_before_and_linked_to_it() {
        let ann = creation().stamp(Timestamp::from_seconds(10)).user;
        let change = ann.end_sessions(&metadata(5));
        let Stamped { user, entry } = change.stamp(Timestamp::from_seconds(5));
        assert!(user.updated_at > ann.updated_at);
        assert_eq!(user.created_at, ann.created_at);
        assert_eq!(entry.previous, ann.chain);
        assert_eq!(change.expected(), Some(ann.version));
    }
}
