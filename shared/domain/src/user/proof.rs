//! How the proof of an address confirms an account, or begins one. To read the mail of the address and to
//! control the account are two facts.

use super::{Change, Draft, NewUser, Standing, User};
use crate::{
    EventKind, LoginKey, Name, PasswordHash, Refusal, Result, event::EventMetadata,
    login::LoginChange,
};

impl User {
    /// A new user who has proven the address and chosen the password by one link.
    pub fn create_proven(new: NewUser, metadata: &EventMetadata) -> Change {
        let mut change = Self::create(new, metadata);
        change.after.email_verified = true;
        change.after.standing = Standing::Settled;
        change
    }

    /// A new user in the place of this one, of whom nothing stays: what the reader of a mail gets by
    /// choosing a password for an account which that person may never have made. `erasure` is the
    /// metadata of the event that tells of the end of this one.
    pub fn take_over(
        &self,
        new: NewUser,
        creation: &EventMetadata,
        erasure: &EventMetadata,
    ) -> Change {
        Self::create_proven(new, creation).replacing(self.erase(erasure))
    }

    /// Marks the present address as proven, by somebody who controls the account; nothing if it was
    /// before.
    pub fn verify_email(&self, metadata: &EventMetadata) -> Option<Change> {
        let after = Draft {
            email_verified: true,
            standing: Standing::Settled,
            ..self.next()
        };
        let kind = EventKind::UserEmailVerified;
        (!self.email_verified).then(|| self.change(after, kind, &["emailVerified"], metadata))
    }

    /// Changes the password of a user who read a mail to the address, which proves it too. Nothing of
    /// before is left that lets anybody in: every external identity is unlinked. One whose provider
    /// proved the same address comes back at the next sign-in by it, unless the user had unlinked it.
    pub fn reset_password(&self, password: PasswordHash, metadata: &EventMetadata) -> Change {
        let set = |own| LoginChange::SetPassword(own, password);
        let (mut after, logins, mut changed) = self.next_recovery(set);
        if !self.email_verified {
            changed.push("emailVerified");
        }
        after.email_verified = true;
        after.standing = Standing::Settled;
        let kind = EventKind::UserPasswordChanged;
        Change::update(self, after, kind, &changed, logins, metadata)
    }

    /// The user after the person who was invited chose a password, and maybe another name.
    pub fn accept_invitation(
        &self,
        name: Option<Name>,
        password: PasswordHash,
        metadata: &EventMetadata,
    ) -> Change {
        let mut change = self.reset_password(password, metadata);
        change.after.name = name.unwrap_or(change.after.name);
        change.after.links_sent_at.clear();
        change
    }

    /// The user after the person who was invited came by `identity`, whose provider proved the address. The
    /// link that was mailed is void.
    ///
    /// # Errors
    /// `NotFound` if the user is not invited.
    pub fn accept_invitation_by(
        &self,
        identity: &LoginKey,
        metadata: &EventMetadata,
    ) -> Result<Change> {
        self.require_invited()?;
        let mut after = self.next_epoch();
        after.email_verified = true;
        after.standing = Standing::Settled;
        after.logins.push(identity.clone());
        after.links_sent_at.clear();
        let kind = EventKind::UserIdentityLinked;
        let changed = &["identities", "emailVerified"];
        let claims = vec![LoginChange::Claim(identity.clone(), None)];
        Ok(Change::update(self, after, kind, changed, claims, metadata))
    }

    /// The rule for what may outlast the next proof of the address: another login, another address.
    ///
    /// # Errors
    /// `AddressUnproven`.
    pub(super) fn require_proven(&self) -> Result<(), Refusal> {
        if self.email_verified {
            Ok(())
        } else {
            Err(Refusal::AddressUnproven)
        }
    }
}
