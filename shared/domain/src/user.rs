//! The user: an aggregate whose methods give the next state together with its event.

mod identities;
mod import;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Change, Email, EventKind, LoginKey, Name, PasswordHash, Refusal, Result, Role, Roles,
    Timestamp, UserId,
    change::EventMetadata,
    event::EventData,
    history::{Digest, Private},
    login::LoginChange,
};

pub use identities::NewMember;
pub use import::{ImportKey, ImportedUser};

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
    pub fn create(new: NewUser, metadata: &EventMetadata) -> Change {
        let login = LoginKey::Email(new.email.clone());
        let user = Self {
            id: new.id,
            email: new.email,
            email_verified: false,
            pending_email: None,
            name: new.name,
            roles: new.roles,
            active: true,
            created_at: metadata.now,
            updated_at: metadata.now,
            version: Version::FIRST,
            auth_epoch: 0,
            logins: vec![login.clone()],
            chain: Digest::NONE,
        };
        let claim = LoginChange::Claim(login, Some(new.password));
        user.creation(vec![claim], metadata)
    }

    /// The change that brings this user about.
    fn creation(self, logins: Vec<LoginChange>, metadata: &EventMetadata) -> Change {
        let event = metadata.event(EventKind::UserCreated, &self, EventData::default());
        let private = Private {
            new_email: Some(self.email.clone()),
            ..metadata.private()
        };
        Change::new(None, self, event, private, logins)
    }

    /// The user with another name; nothing if it is the same name.
    pub fn rename(&self, name: Name, metadata: &EventMetadata) -> Option<Change> {
        (name != self.name).then(|| {
            let after = Self {
                name,
                ..self.next()
            };
            self.change(
                after,
                EventKind::UserUpdated,
                &["name"],
                Vec::new(),
                metadata,
            )
        })
    }

    /// The user who wants another address, which counts only once it is proven.
    ///
    /// # Errors
    /// `EmailTaken` if it is the user's own.
    pub fn request_email(&self, email: Email, metadata: &EventMetadata) -> Result<Change> {
        if email == self.email {
            return Err(Refusal::EmailTaken.into());
        }
        let after = Self {
            pending_email: Some(email),
            ..self.next()
        };
        let changed = &["pendingEmail"];
        Ok(self.change(
            after,
            EventKind::UserEmailChangeRequested,
            changed,
            Vec::new(),
            metadata,
        ))
    }

    /// The user who proved the address asked for. The login moves with its password.
    ///
    /// # Errors
    /// `TokenExpired` if no address waits for proof.
    pub fn confirm_email(
        &self,
        password: Option<PasswordHash>,
        metadata: &EventMetadata,
    ) -> Result<Change> {
        let email = self.pending_email.clone().ok_or(Refusal::TokenExpired)?;
        let (old, new) = (
            LoginKey::Email(self.email.clone()),
            LoginKey::Email(email.clone()),
        );
        let mut after = self.next();
        for login in &mut after.logins {
            if *login == old {
                login.clone_from(&new);
            }
        }
        after.email = email;
        after.email_verified = true;
        after.pending_email = None;
        let changed = &["email", "emailVerified"];
        let logins = vec![LoginChange::Claim(new, password), LoginChange::Release(old)];
        Ok(self.change(
            after,
            EventKind::UserEmailChanged,
            changed,
            logins,
            metadata,
        ))
    }

    /// The user who proved the present address; nothing if it was proven before.
    pub fn verify_email(&self, metadata: &EventMetadata) -> Option<Change> {
        (!self.email_verified).then(|| {
            let after = Self {
                email_verified: true,
                ..self.next()
            };
            self.change(
                after,
                EventKind::UserEmailVerified,
                &["emailVerified"],
                Vec::new(),
                metadata,
            )
        })
    }

    /// The user with another password. Every session ends.
    pub fn change_password(&self, password: PasswordHash, metadata: &EventMetadata) -> Change {
        let login = LoginChange::SetPassword(LoginKey::Email(self.email.clone()), password);
        let after = self.next_epoch();
        self.change(
            after,
            EventKind::UserPasswordChanged,
            &["password"],
            vec![login],
            metadata,
        )
    }

    /// The user who chose another password after a mail to the address, and so proved it too. If it
    /// was not proven before, whoever signed up with it may have been somebody else: every identity
    /// elsewhere is unlinked.
    pub fn reset_password(&self, password: PasswordHash, metadata: &EventMetadata) -> Change {
        let own = LoginKey::Email(self.email.clone());
        let mut after = self.next_epoch();
        let mut logins = vec![LoginChange::SetPassword(own.clone(), password)];
        if !self.email_verified {
            let foreign = after.logins.extract_if(.., |login| *login != own);
            logins.extend(foreign.map(LoginChange::Release));
        }
        after.email_verified = true;
        self.change(
            after,
            EventKind::UserPasswordChanged,
            &["password", "emailVerified"],
            logins,
            metadata,
        )
    }

    /// The user of whom every session ended, and every token with it.
    pub fn end_sessions(&self, metadata: &EventMetadata) -> Change {
        let after = self.next_epoch();
        self.change(
            after,
            EventKind::UserSessionsEnded,
            &[],
            Vec::new(),
            metadata,
        )
    }

    /// The user with other roles; nothing if they are the same. Every session ends if one is lost.
    pub fn assign_roles(&self, roles: Roles, metadata: &EventMetadata) -> Option<Change> {
        (roles != self.roles).then(|| {
            let loses = !self.roles.is_subset(&roles);
            let after = Self {
                roles,
                ..if loses {
                    self.next_epoch()
                } else {
                    self.next()
                }
            };
            self.change(
                after,
                EventKind::UserRolesChanged,
                &["roles"],
                Vec::new(),
                metadata,
            )
        })
    }

    /// The user who may no longer sign in. Every session ends.
    ///
    /// # Errors
    /// `AlreadyDeactivated`.
    pub fn deactivate(&self, metadata: &EventMetadata) -> Result<Change> {
        if !self.active {
            return Err(Refusal::AlreadyDeactivated.into());
        }
        let after = Self {
            active: false,
            ..self.next_epoch()
        };
        Ok(self.change(
            after,
            EventKind::UserDeactivated,
            &["active"],
            Vec::new(),
            metadata,
        ))
    }

    /// The user who may sign in again.
    ///
    /// # Errors
    /// `AlreadyActive`.
    pub fn reactivate(&self, metadata: &EventMetadata) -> Result<Change> {
        if self.active {
            return Err(Refusal::AlreadyActive.into());
        }
        let after = Self {
            active: true,
            ..self.next()
        };
        Ok(self.change(
            after,
            EventKind::UserReactivated,
            &["active"],
            Vec::new(),
            metadata,
        ))
    }

    /// The user erased: of the person nothing stays, of the account its id and version. The address
    /// is free again.
    pub fn erase(&self, metadata: &EventMetadata) -> Change {
        let logins = self
            .logins
            .iter()
            .cloned()
            .map(LoginChange::Release)
            .collect();
        let after = Self {
            active: false,
            ..self.next_epoch()
        };
        let change = self.change(after, EventKind::UserDeleted, &[], logins, metadata);
        change.erasing()
    }

    fn next(&self) -> Self {
        Self {
            version: self.version.next(),
            ..self.clone()
        }
    }

    fn next_epoch(&self) -> Self {
        Self {
            auth_epoch: self.auth_epoch + 1,
            ..self.next()
        }
    }

    fn change(
        &self,
        after: Self,
        kind: EventKind,
        changed: &[&str],
        logins: Vec<LoginChange>,
        metadata: &EventMetadata,
    ) -> Change {
        let event = metadata.event(kind, &after, EventData::changed(changed));
        let mut private = metadata.private();
        match kind {
            EventKind::UserEmailChanged => {
                private.old_email = Some(self.email.clone());
                private.new_email = Some(after.email.clone());
            }
            EventKind::UserEmailChangeRequested => {
                private.new_email.clone_from(&after.pending_email);
            }
            _ => {}
        }
        Change::new(Some(self), after, event, private, logins)
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
