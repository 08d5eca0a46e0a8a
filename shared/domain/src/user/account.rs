//! How an account changes: address, password, name, roles, and its beginning and end.

use std::time::Duration;

use super::{Change, Draft, NewUser, Standing, User};
use crate::{
    Email, EventKind, LoginKey, Name, PasswordHash, Refusal, Result, Roles, event::EventMetadata,
    login::LoginChange,
};

/// How long after a change of the password voided a reset link no other change does.
const RESET_GUARD: Duration = Duration::from_hours(1);

impl User {
    /// A new user, who claims the address and has not proven it.
    pub fn create(new: NewUser, metadata: &EventMetadata) -> Change {
        let login = LoginKey::Email(new.email.clone());
        let claim = LoginChange::Claim(login, Some(new.password));
        let user = Draft {
            roles: new.roles,
            standing: Standing::Provisional,
            ..Draft::first(new.id, new.email, new.name)
        }
        .with_new_password();
        Change::creation(user, None, EventKind::UserCreated, vec![claim], metadata)
    }

    /// Changes the name; nothing if it is the same.
    pub fn rename(&self, name: Name, metadata: &EventMetadata) -> Option<Change> {
        let after = Draft {
            name,
            ..self.next()
        };
        (after.name != self.name)
            .then(|| self.change(after, EventKind::UserUpdated, &["name"], metadata))
    }

    /// Notes an address which the user asks for. It counts once the user has proven it.
    ///
    /// # Errors
    /// `AddressUnproven` if the present one is not proven; `EmailTaken` if it is the user's own.
    pub fn request_email(&self, email: Email, metadata: &EventMetadata) -> Result<Change> {
        self.require_proven()?;
        if email == self.email {
            return Err(Refusal::EmailTaken.into());
        }
        let after = Draft {
            pending_email: Some(email),
            ..self.next()
        };
        let kind = EventKind::UserEmailChangeRequested;
        Ok(self.change(after, kind, &["pendingEmail"], metadata))
    }

    /// Takes back the request for another address; nothing if no address is pending. The link that was
    /// mailed is void with it.
    pub fn withdraw_email(&self, metadata: &EventMetadata) -> Option<Change> {
        self.pending_email.as_ref()?;
        let after = Draft {
            pending_email: None,
            ..self.next()
        };
        let kind = EventKind::UserEmailChangeWithdrawn;
        Some(self.change(after, kind, &["pendingEmail"], metadata))
    }

    /// Makes the pending address, now proven, the user's address. The login moves with its password.
    ///
    /// # Errors
    /// `TokenExpired` if no address is pending.
    pub fn confirm_email(
        &self,
        password: Option<PasswordHash>,
        metadata: &EventMetadata,
    ) -> Result<Change> {
        let email = self.pending_email.clone().ok_or(Refusal::TokenExpired)?;
        let old = LoginKey::Email(self.email.clone());
        let new = LoginKey::Email(email.clone());
        let mut after = self.next().voiding_resets();
        after.password_version = password.as_ref().map(|_| after.version);
        for login in &mut after.logins {
            if *login == old {
                login.clone_from(&new);
            }
        }
        after.email = email;
        after.email_verified = true;
        after.standing = Standing::Settled;
        after.pending_email = None;
        let logins = vec![LoginChange::Claim(new, password), LoginChange::Release(old)];
        let changed = &["email", "emailVerified"];
        let kind = EventKind::UserEmailChanged;
        Ok(Change::update(self, after, kind, changed, logins, metadata))
    }

    /// Changes the password. Every session ends. A reset link that is out is void too, but only once an
    /// hour: who has stolen the password must not be able to keep the owner from a reset.
    pub fn change_password(&self, password: PasswordHash, metadata: &EventMetadata) -> Change {
        let login = LoginChange::SetPassword(LoginKey::Email(self.email.clone()), password);
        let kind = EventKind::UserPasswordChanged;
        let mut after = self.next_epoch().with_new_password();
        let voided = self.recovery_voided_at;
        if voided.is_none_or(|then| then.plus(RESET_GUARD) <= metadata.now) {
            after = after.voiding_resets();
            after.recovery_voided_at = Some(metadata.now);
        }
        Change::update(self, after, kind, &["password"], vec![login], metadata)
    }

    /// Invalidates all sessions and access tokens.
    pub fn end_sessions(&self, metadata: &EventMetadata) -> Change {
        self.change(
            self.next_epoch(),
            EventKind::UserSessionsEnded,
            &[],
            metadata,
        )
    }

    /// Changes the roles; nothing if they are the same. Every session ends if one is lost.
    ///
    /// # Errors
    /// `UserUnproven` if the user would gain one and has not proven the address.
    pub fn assign_roles(&self, roles: Roles, metadata: &EventMetadata) -> Result<Option<Change>> {
        if !self.email_verified && !roles.is_subset(&self.roles) {
            return Err(Refusal::UserUnproven.into());
        }
        let loses = !self.roles.is_subset(&roles);
        let after = Draft {
            roles,
            ..if loses {
                self.next_epoch()
            } else {
                self.next()
            }
        };
        let kind = EventKind::UserRolesChanged;
        Ok((after.roles != self.roles).then(|| self.change(after, kind, &["roles"], metadata)))
    }

    /// Keeps the user from signing in. Every session ends.
    ///
    /// # Errors
    /// `AlreadyDeactivated`.
    pub fn deactivate(&self, metadata: &EventMetadata) -> Result<Change> {
        if !self.active {
            return Err(Refusal::AlreadyDeactivated.into());
        }
        let after = Draft {
            active: false,
            ..self.next_epoch().voiding_resets()
        };
        Ok(self.change(after, EventKind::UserDeactivated, &["active"], metadata))
    }

    /// Lets the user sign in again.
    ///
    /// # Errors
    /// `AlreadyActive`.
    pub fn reactivate(&self, metadata: &EventMetadata) -> Result<Change> {
        if self.active {
            return Err(Refusal::AlreadyActive.into());
        }
        let after = Draft {
            active: true,
            ..self.next()
        };
        Ok(self.change(after, EventKind::UserReactivated, &["active"], metadata))
    }

    /// Erases the user: of the person nothing stays, of the account its id and version. The logins
    /// are free again.
    pub fn erase(&self, metadata: &EventMetadata) -> Change {
        let logins = self.logins.iter().cloned();
        let logins = logins.map(LoginChange::Release).collect();
        let after = Draft {
            active: false,
            ..self.next_epoch()
        };
        Change::update(self, after, EventKind::UserDeleted, &[], logins, metadata).erasing()
    }

    /// A change of this user which leaves the logins as they are.
    pub(super) fn change(
        &self,
        after: Draft,
        kind: EventKind,
        changed: &[&str],
        metadata: &EventMetadata,
    ) -> Change {
        Change::update(self, after, kind, changed, Vec::new(), metadata)
    }
}
