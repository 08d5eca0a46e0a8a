//! What users do with their identities elsewhere.

use super::{User, Version};
use crate::{
    Change, Email, EventKind, LoginKey, Name, Refusal, Result, Roles, UserId,
    change::EventMetadata,
    history::Digest,
    identity::IdentityId,
    login::{LoginChange, MAX_LOGINS},
};

/// What is needed to create a user who has signed in elsewhere.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// Identity.
    pub id: UserId,
    /// Address.
    pub email: Email,
    /// Whether the provider knows that the person reads mail there.
    pub email_verified: bool,
    /// Name.
    pub name: Name,
    /// Principal it is elsewhere.
    pub identity: LoginKey,
}

impl User {
    /// A new user without a password, who claims the address and the identity.
    pub fn create_member(new: NewMember, metadata: &EventMetadata) -> Change {
        let logins = vec![LoginKey::Email(new.email.clone()), new.identity];
        let claims = logins.iter().cloned();
        let claims = claims
            .map(|login| LoginChange::Claim(login, None))
            .collect();
        let user = Self {
            id: new.id,
            email: new.email,
            email_verified: new.email_verified,
            pending_email: None,
            name: new.name,
            roles: Roles::new(),
            active: true,
            created_at: metadata.now,
            updated_at: metadata.now,
            version: Version::FIRST,
            auth_epoch: 0,
            logins,
            chain: Digest::NONE,
        };
        user.creation(claims, metadata)
    }

    /// The user's identities elsewhere.
    pub fn identities(&self) -> impl Iterator<Item = &LoginKey> {
        let is_elsewhere = |login: &&LoginKey| matches!(login, LoginKey::Oidc { .. });
        self.logins.iter().filter(is_elsewhere)
    }

    /// The identity elsewhere with this name, if it is one of the user's.
    pub fn identity(&self, id: &str) -> Option<&LoginKey> {
        self.identities()
            .find(|login| IdentityId::of(login).as_str() == id)
    }

    /// The user who may also sign in by `identity`; nothing if that is so already.
    ///
    /// # Errors
    /// `TooManyIdentities`.
    pub fn link(&self, identity: &LoginKey, metadata: &EventMetadata) -> Result<Option<Change>> {
        if self.logins.contains(identity) {
            return Ok(None);
        }
        if self.logins.len() >= MAX_LOGINS {
            return Err(Refusal::TooManyIdentities.into());
        }
        let mut after = self.next();
        after.logins.push(identity.clone());
        let kind = EventKind::UserIdentityLinked;
        let claim = LoginChange::Claim(identity.clone(), None);
        Ok(Some(self.change(
            after,
            kind,
            &["identities"],
            vec![claim],
            metadata,
        )))
    }

    /// The user who may no longer sign in by `identity`. Every session ends: one of them may have
    /// begun by it.
    ///
    /// # Errors
    /// `NotFound` if it is not one of the user's; `LastLogin` if no other way to sign in would be left:
    /// the address is one only with a password.
    pub fn unlink(
        &self,
        identity: &LoginKey,
        has_password: bool,
        metadata: &EventMetadata,
    ) -> Result<Change> {
        if self.identities().all(|login| login != identity) {
            return Err(Refusal::NotFound.into());
        }
        if !has_password && self.identities().count() == 1 {
            return Err(Refusal::LastLogin.into());
        }
        let mut after = self.next_epoch();
        after.logins.retain(|login| login != identity);
        let kind = EventKind::UserIdentityUnlinked;
        let release = LoginChange::Release(identity.clone());
        Ok(self.change(after, kind, &["identities"], vec![release], metadata))
    }
}
