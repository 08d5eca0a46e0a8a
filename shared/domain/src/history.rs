//! The history of a user: a chain of events in which each carries the hash of the one before.

mod chain;
mod state;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    DomainEvent, Email,
    digest::FieldHash,
    event::{EventData, EventMetadata, RolesChange},
};

pub use crate::digest::Digest;
pub use chain::{ChainStatus, ChainVerdict, Verifier, verify_chain};
pub use state::{State, StateStatus};

/// The part of an event that is never published, and that erasure removes together with its salt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Private {
    /// Keeps the rest from being guessed by its digest after erasure.
    pub salt: String,
    /// The client IP of the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    /// The request of the command, as in its answer and the logs.
    pub request_id: String,
    /// The address before; only if it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_email: Option<Email>,
    /// The address after; only if it changed or was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_email: Option<Email>,
}

impl Private {
    /// The private part of the event of a command, without addresses.
    pub(super) fn of(metadata: &EventMetadata) -> Self {
        Self {
            salt: metadata.salt.clone(),
            source_address: metadata.origin.client_ip,
            request_id: metadata.origin.request_id.clone(),
            old_email: None,
            new_email: None,
        }
    }

    /// The salted digest which the chain covers in place of the data.
    fn digest(&self) -> Digest {
        let Self {
            salt,
            source_address,
            request_id,
            old_email,
            new_email,
        } = self;
        let mut hash = FieldHash::new("roster.private.1");
        hash.field(salt);
        hash.option(source_address.as_ref());
        hash.field(request_id);
        hash.option(old_email.as_ref());
        hash.option(new_email.as_ref());
        hash.finish()
    }
}

/// One link of the chain: the event that made a version of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The part that is published.
    pub event: DomainEvent,
    /// The hash of the entry before; [`Digest::NONE`] in the first.
    pub previous: Digest,
    /// The part that is not published; none after erasure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<Private>,
    /// The digest of the private part; stays.
    pub private_digest: Digest,
    /// The digest of what the user's item says after the event. None in entries of before there was
    /// one: version 0 of the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Digest>,
    /// The hash of this entry.
    pub hash: Digest,
}

impl HistoryEntry {
    /// Links `event` to the entry with the hash `previous`. `state` is the digest of what it leads to:
    /// see [`State::digest`].
    pub fn seal(
        event: DomainEvent,
        previous: Digest,
        private: Private,
        state: Option<Digest>,
    ) -> Self {
        let private_digest = private.digest();
        Self {
            hash: hash(&event, previous, private_digest, state),
            event,
            previous,
            private: Some(private),
            private_digest,
            state,
        }
    }

    /// True while the entry is what was sealed.
    pub fn is_intact(&self) -> bool {
        let private_is_intact = self
            .private
            .as_ref()
            .is_none_or(|private| private.digest() == self.private_digest);
        let sealed = hash(&self.event, self.previous, self.private_digest, self.state);
        private_is_intact && sealed == self.hash
    }
}

impl DomainEvent {
    /// The hash of an event that stands in no history.
    pub fn digest(&self) -> Digest {
        hash(self, Digest::NONE, Digest::NONE, None)
    }
}

/// The hash of an entry. Every field of an event is named here, so a new one does not compile until it
/// is covered. What stored entries do not have is [added](FieldHash::added).
fn hash(
    event: &DomainEvent,
    previous: Digest,
    private_digest: Digest,
    state: Option<Digest>,
) -> Digest {
    let DomainEvent {
        id,
        kind,
        time,
        user_id,
        version,
        actor,
        traceparent,
        data:
            EventData {
                changed,
                roles,
                session_id,
                request_id,
                reason,
                api_key_id,
                service,
                new_device,
                digest,
            },
    } = event;
    let mut hash = FieldHash::new("roster.event.1");
    hash.field(id);
    hash.field(kind);
    hash.field(time);
    hash.option(user_id.as_ref());
    hash.option(version.as_ref());
    hash.field(actor);
    hash.option(traceparent.as_ref());
    hash.field(changed.join(","));
    hash.option(session_id.as_ref());
    hash.option(request_id.as_ref());
    hash.field(previous);
    hash.field(private_digest);
    hash.added("reason", reason.as_ref());
    hash.added("apiKeyId", api_key_id.as_ref());
    hash.added("roles", roles.as_ref().map(RolesChange::digest));
    hash.added("digest", digest.as_ref());
    hash.added("state", state);
    hash.added("newDevice", new_device.then_some("true"));
    hash.added("service", service.as_ref());
    hash.finish()
}
