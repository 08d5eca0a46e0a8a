//! The keys that sign access tokens.

use secrecy::SecretSlice;
use serde::{Deserialize, Serialize};

use super::Timestamp;

/// A public key, as everybody may see it (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Key id: the JWK thumbprint (RFC 7638).
    pub kid: String,
    /// RSA modulus, base64url.
    pub n: String,
    /// RSA exponent, base64url.
    pub e: String,
    /// From when on it signs. It is published before, so that caches know it by then.
    pub activates_at: Timestamp,
}

/// A key pair.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// The half for everybody.
    pub public: PublicKey,
    /// The half for the signer: PKCS#8 DER.
    pub private: SecretSlice<u8>,
}

/// The published keys, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRing {
    /// How often the ring changed.
    pub version: u64,
    /// The keys.
    pub keys: Vec<PublicKey>,
}

impl KeyRing {
    /// The first ring: one key.
    pub fn first(key: PublicKey) -> Self {
        Self {
            version: 1,
            keys: vec![key],
        }
    }

    /// The key that signs at `now`: of those active, the newest. If none is, the oldest: this
    /// machine's clock is behind that of the one which made the first key.
    pub fn signing_key(&self, now: Timestamp) -> Option<&PublicKey> {
        self.keys
            .iter()
            .filter(|key| key.activates_at <= now)
            .max_by_key(|key| key.activates_at)
            .or_else(|| self.keys.iter().min_by_key(|key| key.activates_at))
    }

    /// The key with the id `kid`.
    pub fn find(&self, kid: &str) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kid: &str, activates_at: i64) -> PublicKey {
        PublicKey {
            kid: kid.to_owned(),
            n: String::new(),
            e: String::new(),
            activates_at: Timestamp::from_seconds(activates_at),
        }
    }

    #[test]
    fn the_newest_active_key_signs() {
        let ring = KeyRing {
            version: 3,
            keys: vec![key("retired", 10), key("current", 20), key("next", 30)],
        };
        let signer = |now| {
            ring.signing_key(Timestamp::from_seconds(now))
                .map(|key| key.kid.as_str())
        };
        assert_eq!(signer(9), Some("retired"), "clocks differ");
        assert_eq!(signer(25), Some("current"));
        assert_eq!(signer(30), Some("next"));
    }
}
