//! Users whom another system had before.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;

use super::{User, Version};
use crate::{
    Change, Email, EventId, EventKind, LoginKey, Name, PasswordHash, Roles, Timestamp, UserId,
    change::EventMetadata,
    event::EventData,
    history::{Digest, Private},
    login::LoginChange,
};

/// A user as another system had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedUser {
    /// Identity.
    pub id: UserId,
    /// Address.
    pub email: Email,
    /// Whether the user proved the address there.
    pub email_verified: bool,
    /// Name.
    pub name: Name,
    /// Hash of the password; none for who never had one, or has to choose a new one.
    pub password: Option<PasswordHash>,
    /// Identities at OpenID providers.
    pub identities: Vec<LoginKey>,
    /// Roles.
    pub roles: Roles,
    /// Whether the user may sign in.
    pub active: bool,
    /// When the user was created there.
    pub created_at: Timestamp,
}

impl User {
    /// A user from elsewhere, who claims the address and the identities. Its history begins here.
    pub fn import(new: ImportedUser, metadata: &EventMetadata) -> Change {
        let address = LoginKey::Email(new.email.clone());
        let mut logins = vec![LoginChange::Claim(address.clone(), new.password)];
        let identities = new.identities.iter().cloned();
        logins.extend(identities.map(|identity| LoginChange::Claim(identity, None)));
        let user = Self {
            id: new.id,
            email: new.email,
            email_verified: new.email_verified,
            pending_email: None,
            name: new.name,
            roles: new.roles,
            active: new.active,
            created_at: new.created_at,
            updated_at: metadata.now,
            version: Version::FIRST,
            auth_epoch: 0,
            logins: std::iter::once(address).chain(new.identities).collect(),
            chain: Digest::NONE,
        };
        let event = metadata.event(EventKind::UserImported, &user, EventData::default());
        let private = Private {
            new_email: Some(user.email.clone()),
            ..metadata.private()
        };
        Change::new(None, user, event, private, logins)
    }
}

/// Gives imported users their ids: the same at each run, so that a run which is repeated finds what
/// was written, and such that nobody without the key learns from an id whose address it was.
#[derive(Debug, Clone)]
pub struct ImportKey(SecretSlice<u8>);

impl ImportKey {
    /// The key with these bytes.
    pub fn new(bytes: SecretSlice<u8>) -> Self {
        Self(bytes)
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
        // HMAC takes keys of any length (RFC 2104, 2), so there always is one.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) {
            mac.update(what.as_bytes());
            mac.update(subject);
            let code = mac.finalize().into_bytes();
            random
                .iter_mut()
                .zip(code)
                .for_each(|(to, from)| *to = from);
        }
        random
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
