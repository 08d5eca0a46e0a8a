//! The item of a user, and the digest of it that the user's history covers.

use serde::{Deserialize, Serialize};

use super::User;
use crate::{
    Timestamp, UserId, Version,
    digest::FieldHash,
    history::{Digest, State},
};

/// What stays of an erased user: nothing about the person. The end of its history is still known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct Tombstone {
    pub id: UserId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: Version,
    pub chain: Digest,
}

impl Tombstone {
    /// The tombstone of `user`.
    pub fn of(user: &User) -> Self {
        Self {
            id: user.id,
            created_at: user.created_at,
            updated_at: user.updated_at,
            version: user.version,
            chain: user.chain,
        }
    }

    /// Covers all of it but `chain`, which is made of it.
    pub(super) fn digest(&self) -> Digest {
        let Self {
            id,
            created_at,
            updated_at,
            version,
            chain: _,
        } = self;
        let mut hash = FieldHash::new("roster.tombstone.1");
        hash.field(id);
        hash.field(created_at);
        hash.field(updated_at);
        hash.field(version);
        hash.finish()
    }
}

/// The item of a user, as it is in the table now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// The user is there.
    Present(Box<User>),
    /// The user was erased.
    Erased(Tombstone),
}

impl State for Stored {
    fn version(&self) -> Version {
        match self {
            Self::Present(user) => user.version,
            Self::Erased(tombstone) => tombstone.version,
        }
    }

    fn chain(&self) -> Digest {
        match self {
            Self::Present(user) => user.chain,
            Self::Erased(tombstone) => tombstone.chain,
        }
    }

    fn is_erased(&self) -> bool {
        matches!(self, Self::Erased(_))
    }

    fn digest(&self, salt: &str) -> Digest {
        match self {
            Self::Present(user) => user.digest(salt),
            Self::Erased(tombstone) => tombstone.digest(),
        }
    }
}

impl User {
    /// Version 1 of the digest of a user. Every field is named, so a new one does not compile until it is
    /// covered ([added](FieldHash::added), since stored digests lack it) or left out here with the reason.
    pub(super) fn digest(&self, salt: &str) -> Digest {
        let User {
            id,
            email,
            email_verified,
            pending_email,
            name,
            roles,
            active,
            created_at,
            updated_at,
            version,
            standing,
            auth_epoch,
            recovery_epoch,
            recovery_voided_at,
            password_version,
            logins,
            links_sent_at,
            unlinked,
            recovering,
            // The hash of the entry that covers this digest; it is compared by itself.
            chain: _,
        } = self;
        let mut personal = FieldHash::new("roster.personal.1");
        personal.field(salt);
        personal.field(email);
        personal.option(pending_email.as_ref());
        personal.field(name);
        personal.list(logins.iter());
        personal.list(unlinked.iter());

        let mut hash = FieldHash::new("roster.state.1");
        hash.field(id);
        hash.field(personal.finish());
        hash.field(email_verified);
        hash.list(roles.iter());
        hash.field(active);
        hash.field(created_at);
        hash.field(updated_at);
        hash.field(version);
        hash.field(standing);
        hash.field(auth_epoch);
        hash.field(recovery_epoch);
        hash.option(recovery_voided_at.as_ref());
        hash.option(password_version.as_ref());
        hash.list(links_sent_at.iter());
        hash.field(recovering);
        hash.finish()
    }
}

#[cfg(test)]
mod tests;
