//! The history of a user: a chain of events in which each carries the hash of the one before.

mod chain;

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

use super::{
    DomainEvent, Email,
    event::{EventData, EventMetadata},
};

pub use chain::{ChainStatus, ChainVerdict, Verifier, verify_chain};

/// A SHA-256 hash, in lower-case hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Digest {
    /// The `previous` of the first entry.
    pub const NONE: Self = Self([0; 32]);
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let invalid = || "is not a SHA-256 hash in hexadecimal".to_owned();
        if raw.len() != 64 || !raw.is_ascii() {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte =
                u8::from_str_radix(&raw[2 * index..2 * index + 2], 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

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
    /// The hash of this entry.
    pub hash: Digest,
}

impl HistoryEntry {
    /// Links `event` to the entry with the hash `previous`.
    pub fn seal(event: DomainEvent, previous: Digest, private: Private) -> Self {
        let private_digest = private.digest();
        Self {
            hash: hash(&event, previous, private_digest),
            event,
            previous,
            private: Some(private),
            private_digest,
        }
    }

    /// True while the entry is what was sealed.
    pub fn is_intact(&self) -> bool {
        let private_is_intact = self
            .private
            .as_ref()
            .is_none_or(|private| private.digest() == self.private_digest);
        private_is_intact && hash(&self.event, self.previous, self.private_digest) == self.hash
    }
}

/// The hash of an entry. Every field of an event is named here, so a new one does not compile until it
/// is covered. What stored entries do not have goes to the end and only if present, under its name:
/// then their hashes stay, and no two events read alike.
fn hash(event: &DomainEvent, previous: Digest, private_digest: Digest) -> Digest {
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
                session_id,
                request_id,
                reason,
                api_key_id,
                new_device,
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
    if let Some(reason) = reason {
        hash.field("reason");
        hash.field(reason);
    }
    if let Some(key) = api_key_id {
        hash.field("apiKeyId");
        hash.field(key);
    }
    if *new_device {
        hash.field("newDevice");
    }
    hash.finish()
}

/// SHA-256 over fields with their lengths, so that no two lists of fields read alike.
struct FieldHash(Sha256);

impl FieldHash {
    fn new(domain: &str) -> Self {
        let mut hash = Self(Sha256::new());
        hash.field(domain);
        hash
    }

    fn field(&mut self, value: impl fmt::Display) {
        let text = value.to_string();
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn option(&mut self, value: Option<&impl fmt::Display>) {
        match value {
            Some(value) => self.field(value),
            // No text has this length.
            None => self.0.update(u64::MAX.to_be_bytes()),
        }
    }

    fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}
