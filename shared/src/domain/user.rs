//! The user: an aggregate whose methods give the next state together with its event.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Change, Email, EventKind, LoginKey, Name, PasswordHash, Role, Roles, Timestamp, UserId,
    change::Occasion,
    event::EventData,
    history::{Digest, Private},
    login::LoginChange,
};

/// The number of changes a user has seen, its creation included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// The version of a new user.
    pub const FIRST: Self = Self(1);

    /// The version after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl From<u64> for Version {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// The address, unique among users.
    pub email: Email,
    /// Whether the user proved to read mail at the address.
    pub email_verified: bool,
    /// An address the user asked for and did not prove yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_email: Option<Email>,
    /// How the user wants to be called.
    pub name: Name,
    /// What the user is to the application.
    #[serde(default)]
    pub roles: Roles,
    /// Whether the user may sign in.
    pub active: bool,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When the user last changed; grows with each version.
    pub updated_at: Timestamp,
    /// How often the user changed.
    pub version: Version,
    /// Grows when every token out there must die.
    pub auth_epoch: u64,
    /// The logins this user has claimed.
    pub logins: Vec<LoginKey>,
    /// The hash of the last entry of the user's history.
    pub chain: Digest,
}

/// What is needed to create a user.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Identity.
    pub id: UserId,
    /// Address.
    pub email: Email,
    /// Name.
    pub name: Name,
    /// Hash of the password.
    pub password: PasswordHash,
    /// Roles.
    pub roles: Roles,
}

/// A user as administrators, the user and the directory see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct Profile {
    pub id: UserId,
    pub email: Email,
    pub email_verified: bool,
    pub name: Name,
    pub roles: Roles,
    pub active: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: Version,
}

impl User {
    /// A new user, who claims the address.
    pub fn create(new: NewUser, occasion: &Occasion) -> Change {
        let login = LoginKey::Email(new.email.clone());
        let user = Self {
            id: new.id,
            email: new.email,
            email_verified: false,
            pending_email: None,
            name: new.name,
            roles: new.roles,
            active: true,
            created_at: occasion.now,
            updated_at: occasion.now,
            version: Version::FIRST,
            auth_epoch: 0,
            logins: vec![login.clone()],
            chain: Digest::NONE,
        };
        let event = occasion.event(EventKind::UserCreated, &user, EventData::default());
        let private = Private {
            new_email: Some(user.email.clone()),
            ..occasion.private()
        };
        let logins = vec![LoginChange::Claim(login, Some(new.password))];
        Change::new(None, user, event, private, logins)
    }

    /// Whether the user may administer others now.
    pub fn is_active_admin(&self) -> bool {
        self.active && self.roles.contains(&Role::admin())
    }

    /// What others may see.
    pub fn profile(&self) -> Profile {
        Profile {
            id: self.id,
            email: self.email.clone(),
            email_verified: self.email_verified,
            name: self.name.clone(),
            roles: self.roles.clone(),
            active: self.active,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        }
    }
}
