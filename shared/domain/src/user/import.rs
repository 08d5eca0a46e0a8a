//! Users whom another system had before.

use super::{Change, Draft, User};
use crate::{
    Email, EventId, EventKind, LoginKey, Name, PasswordHash, Roles, Timestamp, UserId,
    event::EventMetadata, login::LoginChange, mac::MacKey,
};

/// A user as another system had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedUser {
    /// See [`ImportKey::user_id`].
    pub id: UserId,
    /// Claimed as a login.
    pub email: Email,
    /// True if the user proved the address there.
    pub email_verified: bool,
    /// How the user wants to be called.
    pub name: Name,
    /// None for a user without a password, or who has to choose a new one.
    pub password: Option<PasswordHash>,
    /// Claimed as logins.
    pub identities: Vec<LoginKey>,
    /// The roles the user has here.
    pub roles: Roles,
    /// False if the user may not sign in.
    pub active: bool,
    /// When the user was created there.
    pub created_at: Timestamp,
}

impl User {
    /// A user of another system, who claims the address and the identities. The history begins here.
    pub fn import(new: ImportedUser, metadata: &EventMetadata) -> Change {
        let address = LoginKey::Email(new.email.clone());
        let mut claims = vec![LoginChange::Claim(address, new.password)];
        let identities = new.identities.iter().cloned();
        claims.extend(identities.map(|identity| LoginChange::Claim(identity, None)));
        let mut user = Draft {
            email_verified: new.email_verified,
            roles: new.roles,
            active: new.active,
            ..Draft::first(new.id, new.email, new.name)
        };
        user.logins.extend(new.identities);
        let kind = EventKind::UserImported;
        Change::creation(user, Some(new.created_at), kind, claims, metadata)
    }
}

/// Gives imported users their ids: the same at each run, so that a run which is repeated finds what
/// was written, and such that nobody without the key learns from an id whose address it was.
#[derive(Debug, Clone)]
pub struct ImportKey(MacKey);

impl ImportKey {
    pub fn new(key: MacKey) -> Self {
        Self(key)
    }

    /// The id of a user whom the other system knows by the address alone.
    pub fn user_id(&self, email: &Email, created_at: Timestamp) -> UserId {
        UserId::new(created_at, self.random("user", email.as_str().as_bytes()))
    }

    /// The id of the event that says the user was imported.
    pub fn event_id(&self, user: UserId, created_at: Timestamp) -> EventId {
        EventId::new(created_at, self.random("event", user.as_uuid().as_bytes()))
    }

    fn random(&self, what: &str, subject: &[u8]) -> [u8; 10] {
        let mut random = [0; 10];
        let code = self.0.code(&[what.as_bytes(), subject]);
        random
            .iter_mut()
            .zip(code)
            .for_each(|(to, from)| *to = from);
        random
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Origin, Role};

    #[test]
    fn an_imported_user_is_as_the_other_system_had_it() {
        let then = Timestamp::from_seconds(1_000_000_000);
        let now = Timestamp::from_seconds(1_700_000_000);
        let metadata = EventMetadata {
            event_id: EventId::new(now, [1; 10]),
            salt: String::new(),
            now,
            origin: Origin::system("import"),
        };
        for flag in [true, false] {
            let new = ImportedUser {
                id: UserId::new(then, [2; 10]),
                email: "ann@example.com".parse().unwrap(),
                email_verified: flag,
                name: "Ann".parse().unwrap(),
                password: None,
                identities: Vec::new(),
                roles: Roles::from([Role::reader()]),
                active: flag,
                created_at: then,
            };
            let user = User::import(new, &metadata).stamp(now).user;
            assert_eq!((user.email_verified, user.active), (flag, flag));
            assert_eq!(user.roles, Roles::from([Role::reader()]));
            assert_eq!((user.created_at, user.updated_at), (then, now));
        }
    }

    #[test]
    fn an_id_tells_nothing_without_the_key() {
        let key = |byte| ImportKey::new(vec![byte; 32].into());
        let (ann, bob): (Email, Email) = (
            "ann@example.com".parse().unwrap(),
            "bob@example.com".parse().unwrap(),
        );
        let then = Timestamp::from_seconds(1_600_000_000);
        let id = key(1).user_id(&ann, then);
        assert_eq!(id, key(1).user_id(&ann, then));
        assert_ne!(id, key(2).user_id(&ann, then));
        assert_ne!(id, key(1).user_id(&bob, then));
        let events = [key(1).event_id(id, then), key(2).event_id(id, then)];
        assert_ne!(events[0], events[1]);
        assert_ne!(events[0].as_uuid(), id.as_uuid());
    }
}
