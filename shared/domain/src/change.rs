//! The one thing that is ever written of a user: its next state together with the event that
//! made it.

use super::{
    DomainEvent, EventId, EventKind, LoginKey, Origin, Role, Timestamp, User, Version,
    event::EventData,
    history::{HistoryEntry, Private},
    login::LoginChange,
    token::TokenUse,
};

/// When and why a change is made: what every method of an aggregate needs besides its own input.
#[derive(Debug, Clone)]
pub struct EventMetadata {
    /// The id of the event to come.
    pub event_id: EventId,
    /// Random; salts the digest of the event's private part.
    pub salt: String,
    /// The time now.
    pub now: Timestamp,
    /// Principal asked, and from where.
    pub origin: Origin,
}

impl EventMetadata {
    /// An event of this metadata which is about a user's version.
    pub(super) fn event(&self, kind: EventKind, user: &User, data: EventData) -> DomainEvent {
        DomainEvent {
            user_id: Some(user.id),
            version: Some(user.version),
            ..self.plain_event(kind, data)
        }
    }

    /// An event of this metadata which is about no version of a user.
    pub(super) fn plain_event(&self, kind: EventKind, data: EventData) -> DomainEvent {
        DomainEvent {
            id: self.event_id,
            kind,
            time: self.now,
            user_id: None,
            version: None,
            actor: self.origin.actor,
            traceparent: self.origin.traceparent.clone(),
            data,
        }
    }

    /// The private part of this metadata's event.
    pub(super) fn private(&self) -> Private {
        Private {
            salt: self.salt.clone(),
            source_address: self.origin.client_ip,
            request_id: self.origin.request_id.clone(),
            old_email: None,
            new_email: None,
        }
    }
}

/// What a change does to the number of active administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminChange {
    /// Nothing.
    None,
    /// One more.
    Gained,
    /// The first one: a conflict if there is one already.
    First,
    /// One less: refused if it is the last.
    Lost,
}

/// A change of one user, made by the aggregate's methods only. A state without its event cannot be
/// expressed.
#[derive(Debug, Clone)]
pub struct Change {
    /// The state after; its times and hash are those of `stamp`.
    pub user: User,
    /// The version before; none for a new user.
    pub expected: Option<Version>,
    /// What it does to the number of active administrators.
    pub admins: AdminChange,
    /// What it does to logins.
    pub logins: Vec<LoginChange>,
    /// Whether only a tombstone stays of the user.
    pub erases: bool,
    /// The token that permits it, used up with it.
    pub token: Option<TokenUse>,
    event: DomainEvent,
    private: Private,
}

/// A change with its times and hashes: the bytes to be written.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// The state after.
    pub user: User,
    /// The event that made it.
    pub entry: HistoryEntry,
}

impl Change {
    pub(super) fn new(
        before: Option<&User>,
        after: User,
        event: DomainEvent,
        private: Private,
        logins: Vec<LoginChange>,
    ) -> Self {
        let admins = match (
            before.is_some_and(User::is_active_admin),
            after.is_active_admin(),
        ) {
            (false, true) => AdminChange::Gained,
            (true, false) => AdminChange::Lost,
            _ => AdminChange::None,
        };
        Self {
            expected: before.map(|user| user.version),
            user: after,
            admins,
            logins,
            erases: false,
            token: None,
            event,
            private,
        }
    }

    /// The change as `token` permits it, which is used up with it or stays good.
    #[must_use]
    pub fn spending(self, token: TokenUse) -> Self {
        Self {
            token: Some(token),
            ..self
        }
    }

    /// The change which also makes the user the first administrator. If there is one by the time it is
    /// written, it is refused as a `VersionConflict`. Principal is not active stays what they are.
    #[must_use]
    pub fn granting_admin(mut self) -> Self {
        if self.user.active && self.user.roles.insert(Role::admin()) {
            self.admins = AdminChange::First;
            self.event.data.changed.push("roles".to_owned());
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

    /// The id of its event, by which a retry finds out whether it was written.
    pub fn event_id(&self) -> EventId {
        self.event.id
    }

    /// The user it is about.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// The logins it takes.
    pub fn claims(&self) -> impl Iterator<Item = &LoginKey> {
        self.logins.iter().filter_map(|login| match login {
            LoginChange::Claim(key, _) => Some(key),
            _ => None,
        })
    }

    /// The change as one attempt writes it. Each attempt stamps anew, so that no row appears in the
    /// feed with a time long past.
    pub fn stamp(&self, now: Timestamp) -> Stamped {
        let mut user = self.user.clone();
        let mut event = self.event.clone();
        if self.expected.is_none() {
            user.updated_at = now.max(self.event.time);
            user.created_at = self.created_at(user.updated_at);
        } else {
            user.updated_at = Timestamp::after(now, self.user.updated_at);
        }
        event.time = user.updated_at;
        let entry = HistoryEntry::seal(event, self.user.chain, self.private.clone());
        user.chain = entry.hash;
        Stamped { user, entry }
    }

    /// The state after, as the attempt wrote it that left `entry` behind.
    pub fn user_in(&self, entry: &HistoryEntry) -> User {
        let mut user = self.user.clone();
        user.updated_at = entry.event.time;
        user.created_at = self.created_at(entry.event.time);
        user.chain = entry.hash;
        user
    }

    /// When the user came into being, if the change was written at `written`. Principal was imported did so
    /// elsewhere.
    fn created_at(&self, written: Timestamp) -> Timestamp {
        match self.event.kind {
            EventKind::UserCreated => written,
            _ => self.user.created_at,
        }
    }
}
