//! The user: an aggregate whose methods return the next state together with its event.

mod account;
pub mod change;
mod identities;
mod import;
pub mod invitation;
mod links;
mod proof;
mod recovery;
mod standing;
mod stored;
mod tokens;

use serde::{Deserialize, Serialize};

use crate::{
    Actor, Authority, Email, LoginKey, Name, PasswordHash, Role, Roles, Timestamp, UserId, Version,
    history::Digest,
};

pub use change::Change;
pub use identities::NewMember;
pub use import::{ImportKey, ImportedUser};
pub use invitation::{Invitation, Invitee};
pub use standing::Standing;
pub use stored::{Stored, Tombstone};

/// A user as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Stays after erasure.
    pub id: UserId,
    /// Unique among users.
    pub email: Email,
    /// True if the user has proven to read mail at `email`.
    pub email_verified: bool,
    /// An address the user asked for and has not proven yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_email: Option<Email>,
    /// How the user wants to be called.
    pub name: Name,
    /// What the user is to the application; at most [`MAX_ROLES`](crate::role::MAX_ROLES).
    #[serde(default)]
    pub roles: Roles,
    /// False if the user may not sign in.
    pub active: bool,
    /// The time of the first version, or when another system created the user.
    pub created_at: Timestamp,
    /// The time of this version; later than that of the one before.
    pub updated_at: Timestamp,
    /// The number of changes so far.
    pub version: Version,
    /// How far the account is confirmed.
    #[serde(default, skip_serializing_if = "Standing::is_settled")]
    pub standing: Standing,
    /// Sessions, access tokens and links of a lower epoch are void.
    pub auth_epoch: u64,
    /// The links of password resets follow this epoch instead: a stranger who has the password must not
    /// be able to void them.
    #[serde(default)]
    pub recovery_epoch: u64,
    /// When a change of the password last moved `recovery_epoch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_voided_at: Option<Timestamp>,
    /// When links were mailed to the user on somebody else's command; kept for as long as they limit the
    /// next one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links_sent_at: Vec<Timestamp>,
    /// The version which last set, moved or removed the password; the login has the same. None if there
    /// never was one, or if it is older than this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_version: Option<Version>,
    /// The logins this user has claimed; at most [`MAX_LOGINS`](crate::login::MAX_LOGINS).
    pub logins: Vec<LoginKey>,
    /// The identities which the user unlinked: none comes back unless the user links it again. At most
    /// [`MAX_UNLINKED`](crate::login::MAX_UNLINKED), the newest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlinked: Vec<LoginKey>,
    /// True from the start of a recovery until somebody chooses a password by link: nothing else lets in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recovering: bool,
    /// The hash of the last entry of the user's history.
    pub chain: Digest,
}

/// What the aggregate decides of a user's next version. A write adds the rest: times and hash.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct Draft {
    pub id: UserId,
    pub email: Email,
    pub email_verified: bool,
    pub pending_email: Option<Email>,
    pub name: Name,
    pub roles: Roles,
    pub active: bool,
    pub version: Version,
    pub standing: Standing,
    pub auth_epoch: u64,
    pub recovery_epoch: u64,
    pub recovery_voided_at: Option<Timestamp>,
    pub links_sent_at: Vec<Timestamp>,
    pub password_version: Option<Version>,
    pub logins: Vec<LoginKey>,
    pub unlinked: Vec<LoginKey>,
    pub recovering: bool,
}

/// What is needed to create a user with a password.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct NewUser {
    pub id: UserId,
    pub email: Email,
    pub name: Name,
    pub password: PasswordHash,
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
    /// True if the user may administer others now.
    pub fn is_active_admin(&self) -> bool {
        self.active && self.roles.contains(&Role::admin())
    }

    /// What the user may do to others now.
    pub fn authority(&self) -> Authority {
        if self.active {
            Authority::of(&self.roles)
        } else {
            Authority::None
        }
    }

    /// True if `actor`, who has this authority, may change the user. Who is no administrator changes no
    /// one else who has a role, be it one that Roster does not know: it may mean much elsewhere.
    pub fn may_be_changed_by(&self, actor: Actor, authority: Authority) -> bool {
        authority == Authority::Admin || actor == Actor::User(self.id) || self.roles.is_empty()
    }

    /// The part of the user which others may see.
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

    /// The next version, in which nothing differs yet.
    fn next(&self) -> Draft {
        Draft {
            id: self.id,
            email: self.email.clone(),
            email_verified: self.email_verified,
            pending_email: self.pending_email.clone(),
            name: self.name.clone(),
            roles: self.roles.clone(),
            active: self.active,
            version: self.version.next(),
            standing: self.standing,
            auth_epoch: self.auth_epoch,
            recovery_epoch: self.recovery_epoch,
            recovery_voided_at: self.recovery_voided_at,
            links_sent_at: self.links_sent_at.clone(),
            password_version: self.password_version,
            logins: self.logins.clone(),
            unlinked: self.unlinked.clone(),
            recovering: self.recovering,
        }
    }

    /// The next version, in which every session and access token is void, and every link but those of
    /// password resets. So is a pending address: who asked for it may be the one who is shut out now.
    fn next_epoch(&self) -> Draft {
        Draft {
            auth_epoch: self.auth_epoch + 1,
            pending_email: None,
            ..self.next()
        }
    }
}

impl Draft {
    /// The state in which the links of password resets are void as well.
    fn voiding_resets(self) -> Self {
        Self {
            recovery_epoch: self.recovery_epoch + 1,
            ..self
        }
    }

    /// The state in which this version set or removed the password.
    fn with_new_password(self) -> Self {
        Self {
            password_version: Some(self.version),
            ..self
        }
    }

    /// The first version of a user who signs in by the address.
    fn first(id: UserId, email: Email, name: Name) -> Self {
        Self {
            id,
            logins: vec![LoginKey::Email(email.clone())],
            unlinked: Vec::new(),
            recovering: false,
            email,
            email_verified: false,
            pending_email: None,
            name,
            roles: Roles::new(),
            active: true,
            version: Version::FIRST,
            standing: Standing::Settled,
            auth_epoch: 0,
            recovery_epoch: 0,
            recovery_voided_at: None,
            links_sent_at: Vec::new(),
            password_version: None,
        }
    }

    fn is_active_admin(&self) -> bool {
        self.active && self.roles.contains(&Role::admin())
    }

    /// The user as a write leaves it.
    fn written(self, created_at: Timestamp, updated_at: Timestamp, chain: Digest) -> User {
        User {
            id: self.id,
            email: self.email,
            email_verified: self.email_verified,
            pending_email: self.pending_email,
            name: self.name,
            roles: self.roles,
            active: self.active,
            created_at,
            updated_at,
            version: self.version,
            standing: self.standing,
            auth_epoch: self.auth_epoch,
            recovery_epoch: self.recovery_epoch,
            recovery_voided_at: self.recovery_voided_at,
            links_sent_at: self.links_sent_at,
            password_version: self.password_version,
            logins: self.logins,
            unlinked: self.unlinked,
            recovering: self.recovering,
            chain,
        }
    }
}
