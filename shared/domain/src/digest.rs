//! SHA-256 over values, as the history and the audit trail use it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

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
        // `from_str_radix` alone takes a sign.
        if raw.len() != 64 || !raw.bytes().all(|byte| byte.is_ascii_hexdigit()) {
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

/// SHA-256 over fields with their lengths, so that no two lists of fields read alike.
pub(crate) struct FieldHash(Sha256);

impl FieldHash {
    pub(crate) fn new(domain: &str) -> Self {
        let mut hash = Self(Sha256::new());
        hash.field(domain);
        hash
    }

    pub(crate) fn field(&mut self, value: impl fmt::Display) {
        let text = value.to_string();
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    pub(crate) fn option(&mut self, value: Option<&impl fmt::Display>) {
        match value {
            Some(value) => self.field(value),
            // No text has this length.
            None => self.0.update(u64::MAX.to_be_bytes()),
        }
    }

    /// A list, with its length: `["a,b"]` and `["a", "b"]` differ.
    pub(crate) fn list(&mut self, values: impl ExactSizeIterator<Item = impl fmt::Display>) {
        self.field(values.len());
        values.for_each(|value| self.field(value));
    }

    /// What entries of before do not have: only if it is there, under its name, after all else. So their
    /// hashes stay, and no two read alike.
    pub(crate) fn added(&mut self, name: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.field(name);
            self.field(value);
        }
    }

    pub(crate) fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}
