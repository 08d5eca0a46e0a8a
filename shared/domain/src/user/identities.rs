//! External identities: how users without a password come, and what they link.

use super::{Change, Draft, Standing, User};
use crate::{
    Email, EventKind, Login, LoginKey, Name, Refusal, Result, UserId,
    event::EventMetadata,
    identity::IdentityId,
    login::{LoginChange, MAX_LOGINS, MAX_UNLINKED},
};

/// What is needed to create a user who signed in at an OpenID provider.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// Not the provider's `sub`: ours.
    pub id: UserId,
    /// As the provider says.
    pub email: Email,
    /// True if the provider knows that the person reads mail there.
    pub email_verified: bool,
    /// As the provider says.
    pub name: Name,
    /// Issuer and `sub`.
    pub identity: LoginKey,
}

impl Login {
    /// True if this login and `user`, read one after the other, are of one state: whoever has the
    /// password of this login may sign in as the user. If the password changed in between, an old one
    /// would start a session which the change did not end.
    pub fn is_of(&self, user: Option<&User>) -> bool {
        user.is_some_and(|user| {
            user.id == self.user_id
                && (self.password.is_none() || self.password_version == user.password_version)
        })
    }
}

impl User {
    /// A new user without a password, who claims the address and the identity.
    pub fn create_member(new: NewMember, metadata: &EventMetadata) -> Change {
        let standing = if new.email_verified {
            Standing::Settled
        } else {
            Standing::Provisional
        };
        let mut user = Draft {
            email_verified: new.email_verified,
            standing,
            ..Draft::first(new.id, new.email, new.name)
        };
        user.logins.push(new.identity);
        let logins = user.logins.iter().cloned();
        let claims = logins
            .map(|login| LoginChange::Claim(login, None))
            .collect();
        Change::creation(user, None, EventKind::UserCreated, claims, metadata)
    }

    /// The user's external identities.
    pub fn identities(&self) -> impl Iterator<Item = &LoginKey> {
        let is_external = |login: &&LoginKey| matches!(login, LoginKey::Oidc { .. });
        self.logins.iter().filter(is_external)
    }

    /// The external identity with this [`IdentityId`], if it is one of the user's.
    pub fn identity(&self, id: &str) -> Option<&LoginKey> {
        self.identities()
            .find(|login| IdentityId::of(login).as_str() == id)
    }

    /// Lets the user also sign in by `identity`, which nobody asked for but whose provider proved the
    /// address of the user; nothing if that is so already.
    ///
    /// # Errors
    /// `InvalidCredentials` if the user unlinked it, or a recovery is under way; those of [`User::link`].
    pub fn link_by_address(
        &self,
        identity: &LoginKey,
        metadata: &EventMetadata,
    ) -> Result<Option<Change>> {
        if self.recovering || self.unlinked.contains(identity) {
            return Err(Refusal::InvalidCredentials.into());
        }
        self.link(identity, metadata)
    }

    /// Lets the user also sign in by `identity`, as the user asks; nothing if that is so already.
    ///
    /// # Errors
    /// `AddressUnproven`; `TooManyIdentities`.
    pub fn link(&self, identity: &LoginKey, metadata: &EventMetadata) -> Result<Option<Change>> {
        if self.logins.contains(identity) {
            return Ok(None);
        }
        self.require_proven()?;
        if self.logins.len() >= MAX_LOGINS {
            return Err(Refusal::TooManyIdentities.into());
        }
        let mut after = self.next();
        after.logins.push(identity.clone());
        after.unlinked.retain(|unlinked| unlinked != identity);
        let kind = EventKind::UserIdentityLinked;
        let claims = vec![LoginChange::Claim(identity.clone(), None)];
        let change = Change::update(self, after, kind, &["identities"], claims, metadata);
        Ok(Some(change))
    }

    /// Ends sign-in by `identity`, until the user links it again. Every session ends: one of them may have
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
        after.unlinked.push(identity.clone());
        let forgotten = after.unlinked.len().saturating_sub(MAX_UNLINKED);
        after.unlinked.drain(..forgotten);
        let kind = EventKind::UserIdentityUnlinked;
        let logins = vec![LoginChange::Release(identity.clone())];
        let changed = &["identities"];
        Ok(Change::update(self, after, kind, changed, logins, metadata))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventId, Origin, Timestamp};

    /// Who comes by a provider that does not know the address may be anybody: the owner of the address
    /// must be able to take the account over.
    #[test]
    fn an_account_is_settled_if_the_provider_knows_the_address() {
        let now = Timestamp::from_seconds(1);
        let metadata = EventMetadata {
            event_id: EventId::new(now, [1; 10]),
            salt: String::new(),
            now,
            origin: Origin::system("test"),
        };
        for (email_verified, standing) in
            [(true, Standing::Settled), (false, Standing::Provisional)]
        {
            let new = NewMember {
                id: UserId::new(now, [2; 10]),
                email: "ann@example.com".parse().unwrap(),
                email_verified,
                name: "Ann".parse().unwrap(),
                identity: LoginKey::Oidc {
                    issuer: "https://idp.example.com".to_owned(),
                    subject: "ann".to_owned(),
                },
            };
            let member = User::create_member(new, &metadata).after;
            assert_eq!(member.standing, standing);
            assert_eq!(member.email_verified, email_verified);
        }
    }
}
