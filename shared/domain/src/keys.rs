//! The keys that sign access tokens.

use std::time::Duration;

use secrecy::SecretSlice;
use serde::{Deserialize, Serialize};

pub use super::turns::PUBLISH_AHEAD;
use super::{
    DeploymentEpoch, SecretPurpose, Timestamp,
    secrets::SecretRing,
    turns::{self, Turn},
};

/// How long a key is published after its last signature: longer than an access token lives and a
/// process holds on to the ring it read.
pub const RETENTION: Duration = Duration::from_hours(24);

/// A public key, as it is published (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Key id: the JWK thumbprint (RFC 7638).
    pub kid: String,
    /// RSA modulus, base64url.
    pub n: String,
    /// RSA exponent, base64url.
    pub e: String,
    /// When it begins to sign. It is published before, so that caches know it by then.
    pub activates_at: Timestamp,
}

impl Turn for PublicKey {
    fn activates_at(&self) -> Timestamp {
        self.activates_at
    }
}

#[derive(Debug, Clone)]
pub struct KeyPair {
    /// Published.
    pub public: PublicKey,
    /// For the signer alone: PKCS#8 DER.
    pub private: SecretSlice<u8>,
}

/// The published keys, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRing {
    /// Grows by one with each change, of the shared secrets too; 1 for the first ring.
    pub version: u64,
    /// All that tokens may be signed by; usually one, two around a rotation.
    pub keys: Vec<PublicKey>,
    /// What was given before it began is void. It stands here, and not by itself, because every process
    /// that checks anything reads the ring.
    #[serde(default)]
    pub epoch: DeploymentEpoch,
}

impl KeyRing {
    /// The first ring: one key.
    pub fn first(key: PublicKey) -> Self {
        Self {
            version: 1,
            keys: vec![key],
            epoch: DeploymentEpoch::FIRST,
        }
    }

    /// The key that signs at `now`: of those active, the newest. If none is, the oldest: this
    /// machine's clock is behind that of the one which made the first key.
    pub fn signing_key(&self, now: Timestamp) -> Option<&PublicKey> {
        turns::current(&self.keys, now)
    }

    /// True if the next key should be published at `now`, if each signs for `period`.
    pub fn is_due(&self, now: Timestamp, period: Duration) -> bool {
        turns::is_due(&self.keys, now, period)
    }

    /// A rotation at `now`: `next`, if given, is published, keys that have not signed for longer than
    /// [`RETENTION`] are removed, and `secrets` take the places of those before. None if there is nothing
    /// to do.
    pub fn rotation(
        &self,
        now: Timestamp,
        next: Option<KeyPair>,
        secrets: Vec<(SecretPurpose, SecretRing)>,
    ) -> Option<Rotation> {
        let (retired, mut kept): (Vec<_>, Vec<_>) = self
            .keys
            .iter()
            .cloned()
            .partition(|key| turns::is_retired(&self.keys, key, RETENTION, now));
        if retired.is_empty() && next.is_none() && secrets.is_empty() {
            return None;
        }
        kept.extend(next.iter().map(|next| next.public.clone()));
        Some(Rotation {
            secrets,
            ..self.becomes(kept, next, retired)
        })
    }

    /// What to do when a key may have been stolen: `next` signs from now on, and all that other keys
    /// signed is void.
    pub fn replacement(&self, next: KeyPair) -> Rotation {
        self.becomes(vec![next.public.clone()], Some(next), self.keys.clone())
    }

    /// What to do when everything may have been stolen: a replacement of the keys and of these secrets,
    /// and whatever was given before `epoch` is void.
    pub fn new_epoch(
        &self,
        epoch: DeploymentEpoch,
        next: KeyPair,
        secrets: Vec<(SecretPurpose, SecretRing)>,
    ) -> Rotation {
        let mut rotation = self.replacement(next);
        rotation.ring.epoch = epoch;
        rotation.secrets = secrets;
        rotation
    }

    fn becomes(
        &self,
        keys: Vec<PublicKey>,
        next: Option<KeyPair>,
        retired: Vec<PublicKey>,
    ) -> Rotation {
        Rotation {
            ring: Self {
                version: self.version + 1,
                keys,
                epoch: self.epoch,
            },
            next,
            retired: retired.into_iter().map(|key| key.kid).collect(),
            secrets: Vec::new(),
        }
    }

    /// The key with the id `kid`.
    pub fn find(&self, kid: &str) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }
}

/// A change of the ring, to be written as one.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// The ring after.
    pub ring: KeyRing,
    /// The key it gains.
    pub next: Option<KeyPair>,
    /// Ids of the keys it loses.
    pub retired: Vec<String>,
    /// Secrets with other versions than before.
    pub secrets: Vec<(SecretPurpose, SecretRing)>,
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
            epoch: DeploymentEpoch::FIRST,
        };
        let signer = |now| {
            ring.signing_key(Timestamp::from_seconds(now))
                .map(|key| key.kid.as_str())
        };
        assert_eq!(signer(9), Some("retired"), "clocks differ");
        assert_eq!(signer(25), Some("current"));
        assert_eq!(signer(30), Some("next"));
    }

    const MONTH: Duration = Duration::from_hours(30 * 24);

    fn after(span: Duration) -> Timestamp {
        Timestamp::from_seconds(1_000_000).plus(span)
    }

    fn pair(kid: &str, activates_at: Timestamp) -> KeyPair {
        KeyPair {
            public: PublicKey {
                activates_at,
                ..key(kid, 0)
            },
            private: Vec::new().into(),
        }
    }

    fn kids(ring: &KeyRing) -> Vec<&str> {
        ring.keys.iter().map(|key| key.kid.as_str()).collect()
    }

    #[test]
    fn a_key_is_next_then_current_then_retired_then_gone() {
        let first = KeyRing::first(pair("first", after(Duration::ZERO)).public);
        let publish = MONTH.saturating_sub(PUBLISH_AHEAD);
        let second = Duration::from_secs(1);
        assert!(!first.is_due(after(publish.saturating_sub(second)), MONTH));
        assert!(first.is_due(after(publish), MONTH));
        assert!(first.rotation(after(publish), None, vec![]).is_none());

        let next = pair("second", after(MONTH));
        let rotation = first.rotation(after(publish), Some(next), vec![]).unwrap();
        let both = rotation.ring;
        assert_eq!((both.version, rotation.retired.len()), (2, 0));
        assert_eq!(kids(&both), ["first", "second"]);
        assert!(!both.is_due(after(MONTH), MONTH), "one next key at a time");
        let signer = |now| both.signing_key(now).unwrap().kid.as_str();
        assert_eq!(signer(after(MONTH.saturating_sub(second))), "first");
        assert_eq!(signer(after(MONTH)), "second");

        let gone = MONTH.saturating_add(RETENTION);
        let early = after(gone.saturating_sub(second));
        assert!(
            both.rotation(early, None, vec![]).is_none(),
            "its tokens may last"
        );
        let rotation = both.rotation(after(gone), None, vec![]).unwrap();
        assert_eq!(kids(&rotation.ring), ["second"]);
        assert_eq!(rotation.retired, ["first"]);
    }

    #[test]
    fn a_key_that_became_known_is_replaced_at_once() {
        let ring = KeyRing {
            version: 7,
            keys: vec![key("current", 1), key("next", 9)],
            epoch: DeploymentEpoch::FIRST,
        };
        let rotation = ring.replacement(pair("fresh", after(Duration::ZERO)));
        assert_eq!(kids(&rotation.ring), ["fresh"]);
        assert_eq!(rotation.retired, ["current", "next"]);
        assert_eq!(rotation.ring.version, 8);
        assert_eq!(rotation.ring.epoch, DeploymentEpoch::FIRST);
    }

    #[test]
    fn an_epoch_stays_until_the_next_one() {
        let ring = KeyRing::first(key("current", 1));
        let epoch = DeploymentEpoch::beginning(after(MONTH));
        let next = pair("fresh", after(Duration::ZERO));
        let rotation = ring.new_epoch(epoch, next, vec![]);
        assert_eq!(rotation.retired, ["current"]);
        assert_eq!(rotation.ring.epoch, epoch);
        let replaced = rotation.ring.replacement(pair("later", after(MONTH)));
        assert_eq!(replaced.ring.epoch, epoch);
        let stored = serde_json::json!({"version": 1, "keys": []});
        let stored: KeyRing = serde_json::from_value(stored).unwrap();
        assert_eq!(
            stored.epoch,
            DeploymentEpoch::FIRST,
            "of before there were epochs"
        );
    }
}
