//! API keys: the credentials of machines.

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{
    Actor, ApiKeyId, Authority, DeploymentEpoch, DomainEvent, EventKind, Name, Role, ServiceName,
    Timestamp,
    error::Violation,
    event::{EventData, EventMetadata},
};

/// Days for which a key is good, where its maker does not say.
pub const DEFAULT_DAYS: u16 = 90;

/// Days for which a key may be good: each is replaced once a year at least.
pub const DAYS: RangeInclusive<u16> = 1..=365;

/// How long a key that expired or was revoked is still listed.
pub const LISTED_AFTER_END: Duration = Duration::from_hours(30 * 24);

/// A credential of a machine. Of the token that opens it only a hash is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    pub id: ApiKeyId,
    /// What the key is for, as its maker calls it.
    pub name: Name,
    /// What the key may do.
    pub role: Role,
    /// The service whose instances it registers; only with the role `service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The hash of its token.
    pub hash: KeyHash,
    pub created_at: Timestamp,
    /// The administrator who made it.
    pub created_by: Actor,
    pub expires_at: Timestamp,
    /// None unless it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// A key with the day of its last use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedApiKey {
    pub key: ApiKey,
    /// As [`Timestamp::day`]; none if it was never used.
    pub last_used_on: Option<String>,
}

/// What is needed to make a key.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of `ApiKey`")]
pub struct NewApiKey {
    pub name: Name,
    pub role: KeyRole,
    pub service: Option<ServiceName>,
    /// Days for which it is good; within [`DAYS`].
    pub days: u16,
}

impl ApiKey {
    /// The key which `token` opens, with its event.
    pub fn create(
        new: NewApiKey,
        token: &ApiKeyToken,
        metadata: &EventMetadata,
    ) -> (Self, DomainEvent) {
        let key = Self {
            id: token.id,
            name: new.name,
            role: new.role.0,
            service: new.service,
            hash: token.hash(),
            created_at: metadata.now,
            created_by: metadata.origin.actor,
            expires_at: metadata
                .now
                .plus(Duration::from_hours(24 * u64::from(new.days))),
            revoked_at: None,
        };
        (key, event(token.id, EventKind::ApiKeyCreated, metadata))
    }

    /// The event that the key `id` was revoked.
    pub fn revoked(id: ApiKeyId, metadata: &EventMetadata) -> DomainEvent {
        event(id, EventKind::ApiKeyRevoked, metadata)
    }

    /// True if the key is good at `now`, in this epoch of the deployment.
    pub fn is_live(&self, epoch: DeploymentEpoch, now: Timestamp) -> bool {
        let is_void = self.revoked_at.is_some() || epoch.voids(self.created_at);
        !is_void && self.expires_at > now
    }

    /// The key as it is in this epoch of the deployment, which revoked those of before.
    #[must_use]
    pub fn within(self, epoch: DeploymentEpoch) -> Self {
        let revoked_at = self.revoked_at;
        let ended_at = epoch.voids(self.created_at).then_some(epoch.began_at());
        Self {
            revoked_at: revoked_at.into_iter().chain(ended_at).min(),
            ..self
        }
    }

    /// When the key is no longer listed.
    pub fn listed_until(&self) -> Timestamp {
        let end = self.revoked_at.unwrap_or(self.expires_at);
        end.min(self.expires_at).plus(LISTED_AFTER_END)
    }

    /// What the key lets its holder do to users.
    pub fn authority(&self) -> Authority {
        self.role.authority()
    }
}

fn event(id: ApiKeyId, kind: EventKind, metadata: &EventMetadata) -> DomainEvent {
    let data = EventData {
        api_key_id: Some(id),
        ..EventData::default()
    };
    metadata.event(kind, data)
}

/// A role that a key may have. No key is an administrator: it would outlive whoever made it, and
/// cannot prove a recent sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRole(Role);

impl KeyRole {
    /// True for the role of machines which are services.
    pub fn is_service(&self) -> bool {
        self.0 == Role::service()
    }
}

impl FromStr for KeyRole {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        [Role::reader(), Role::support(), Role::service()]
            .into_iter()
            .find(|role| role.as_str() == raw)
            .map(Self)
            .ok_or_else(|| Violation::new("invalid-role", "is not one of reader, support, service"))
    }
}

/// What stands before every token. A secret scanner knows one by it, and nothing else of ours begins so.
pub const PREFIX: &str = "roster_key_";

/// Bytes of the secret: 256 bits, which nobody guesses.
const SECRET_LEN: usize = 32;

/// Bytes of a token behind its prefix: id, secret, checksum.
const TOKEN_LEN: usize = 16 + SECRET_LEN + 4;

/// The token that opens a key: its id in the clear, and the secret.
#[derive(Debug, Clone)]
pub struct ApiKeyToken {
    pub id: ApiKeyId,
    secret: SecretSlice<u8>,
}

impl ApiKeyToken {
    pub fn new(id: ApiKeyId, secret: [u8; SECRET_LEN]) -> Self {
        Self {
            id,
            secret: secret.to_vec().into(),
        }
    }

    /// The token as machines hold it: the prefix, and id, secret and a CRC-32 of both in lower-case
    /// hexadecimal, 115 characters. By the checksum a scanner, and Roster before it reads anything, can
    /// tell a token from a text that looks like one.
    pub fn encode(&self) -> SecretString {
        let mut bytes = self.id.as_uuid().as_bytes().to_vec();
        bytes.extend_from_slice(self.secret.expose_secret());
        let checksum = crc32(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        let bytes = SecretSlice::from(bytes);
        let hex = bytes.expose_secret().iter();
        let text: String = hex.flat_map(|byte| digits(*byte)).collect();
        format!("{PREFIX}{text}").into()
    }

    /// The token in `raw`; none if it is not one as [`ApiKeyToken::encode`] writes it.
    pub fn decode(raw: &str) -> Option<Self> {
        let hex = raw.strip_prefix(PREFIX)?.as_bytes();
        if hex.len() != 2 * TOKEN_LEN {
            return None;
        }
        let pairs = hex.chunks_exact(2);
        let bytes = pairs.map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?));
        let bytes = SecretSlice::from(bytes.collect::<Option<Vec<u8>>>()?);
        let (covered, checksum) = bytes.expose_secret().split_last_chunk::<4>()?;
        if crc32(covered) != u32::from_be_bytes(*checksum) {
            return None;
        }
        let (id, secret) = covered.split_first_chunk::<16>()?;
        Some(Self {
            id: Uuid::from_bytes(*id).into(),
            secret: secret.to_vec().into(),
        })
    }

    /// What is kept of the token. The secret is random, so one round of a fast hash hides it for good.
    fn hash(&self) -> KeyHash {
        let hash = Sha256::new()
            .chain_update(self.id.as_uuid().as_bytes())
            .chain_update(self.secret.expose_secret());
        KeyHash(
            hash.finalize()
                .iter()
                .flat_map(|byte| digits(*byte))
                .collect(),
        )
    }

    /// True if the token opens `key`, whether or not the key is good.
    pub fn opens(&self, key: &ApiKey) -> bool {
        let (ours, kept) = (self.hash(), &key.hash);
        ours.0.as_bytes().ct_eq(kept.0.as_bytes()).into()
    }
}

/// A SHA-256 hash of id and secret, in hexadecimal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyHash(String);

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash")
    }
}

/// The two hexadecimal digits of a byte.
fn digits(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|nibble| char::from_digit(nibble.into(), 16).unwrap_or('0'))
}

/// The value of a lower-case hexadecimal digit: one token has one spelling.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// CRC-32 as in IEEE 802.3, zlib and the tokens of GitHub: polynomial 0x04C11DB7, reflected.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Origin, UserId};

    const FIRST: DeploymentEpoch = DeploymentEpoch::FIRST;

    fn at(days: u64) -> Timestamp {
        Timestamp::from_seconds(1_000_000).plus(Duration::from_hours(24 * days))
    }

    fn token(secret: u8) -> ApiKeyToken {
        ApiKeyToken::new(ApiKeyId::new(at(0), [1; 10]), [secret; 32])
    }

    fn metadata() -> EventMetadata {
        EventMetadata {
            event_id: crate::EventId::new(at(0), [3; 10]),
            salt: String::new(),
            now: at(0),
            origin: Origin {
                actor: Actor::User(UserId::new(at(0), [2; 10])),
                ..Origin::system("test")
            },
        }
    }

    fn key(token: &ApiKeyToken, role: &str, days: u16) -> (ApiKey, DomainEvent) {
        let new = NewApiKey {
            name: "nightly export".parse().unwrap(),
            role: role.parse().unwrap(),
            service: None,
            days,
        };
        ApiKey::create(new, token, &metadata())
    }

    #[test]
    fn the_checksum_is_that_of_everybody_else() {
        // The check value of CRC-32/ISO-HDLC in every catalogue.
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let written = token(7).encode();
        let text = written.expose_secret();
        assert!(text.starts_with("roster_key_"), "{text}");
        assert_eq!(text.len(), 115);
        let read = ApiKeyToken::decode(text).unwrap();
        assert_eq!(read.id, token(7).id);
        assert_eq!(read.encode().expose_secret(), text);
        let id = token(7).id.as_uuid().as_simple().to_string();
        assert!(text.contains(&id), "the id can be read off a token");
    }

    #[test]
    fn a_text_with_any_other_character_is_no_token() {
        let text = token(7).encode().expose_secret().to_owned();
        for at in 0..text.len() {
            for other in ["0", "1", "f", "F", "_", "é"] {
                let mut changed = text.clone();
                changed.replace_range(at..=at, other);
                let is_same = changed == text;
                assert_eq!(
                    ApiKeyToken::decode(&changed).is_some(),
                    is_same,
                    "{changed}"
                );
            }
        }
        for wrong in [
            "",
            PREFIX,
            &text[1..],
            &text[..113],
            &format!("{text}00"),
            " ",
        ] {
            assert!(ApiKeyToken::decode(wrong).is_none(), "{wrong}");
        }
        assert!(ApiKeyToken::decode(&text.to_uppercase()).is_none());
    }

    #[test]
    fn only_its_own_token_opens_a_key() {
        let (key, _) = key(&token(7), "reader", 1);
        assert!(token(7).opens(&key));
        assert!(!token(8).opens(&key));
        let other_id = ApiKeyToken::new(ApiKeyId::new(at(1), [1; 10]), [7; 32]);
        assert!(!other_id.opens(&key));
    }

    #[test]
    fn neither_a_token_nor_a_hash_is_shown() {
        let (key, _) = key(&token(7), "reader", 1);
        for shown in [format!("{:?}", token(7)), format!("{key:?}")] {
            assert!(!shown.contains("0707"), "{shown}");
            assert!(!shown.contains(&key.hash.0), "{shown}");
        }
        assert_eq!(format!("{:?}", key.hash), "KeyHash");
    }

    #[test]
    fn a_key_is_good_until_it_expires_or_is_revoked() {
        let (mut key, event) = key(&token(7), "support", 90);
        assert_eq!(event.kind, EventKind::ApiKeyCreated);
        assert_eq!((event.user_id, event.data.api_key_id), (None, Some(key.id)));
        assert_eq!(key.created_by, metadata().origin.actor);
        let instant = Duration::from_micros(1);
        assert!(key.is_live(FIRST, at(0)) && key.is_live(FIRST, at(90).minus(instant)));
        assert!(!key.is_live(FIRST, at(90)));
        assert_eq!(key.listed_until(), at(120));
        key.revoked_at = Some(at(10));
        assert!(!key.is_live(FIRST, at(0)));
        assert_eq!(key.listed_until(), at(40));
        key.revoked_at = Some(at(100));
        assert_eq!(key.listed_until(), at(120), "it had ended before");
    }

    #[test]
    fn a_key_ends_with_the_epoch_of_the_deployment() {
        let (key, _) = key(&token(7), "reader", 90);
        let epoch = DeploymentEpoch::beginning(at(1));
        assert!(!key.is_live(epoch, at(2)));
        assert_eq!(key.clone().within(FIRST), key);
        let ended = key.within(epoch);
        assert_eq!(
            ended.revoked_at,
            Some(at(1)),
            "as whoever lists keys sees it"
        );
        let later = DeploymentEpoch::beginning(at(2));
        assert_eq!(ended.clone().within(later), ended);
    }

    #[test]
    fn a_key_has_one_of_three_roles_and_is_never_an_administrator() {
        for (role, authority) in [
            ("reader", Authority::Reader),
            ("support", Authority::Support),
            ("service", Authority::None),
        ] {
            assert_eq!(key(&token(7), role, 1).0.authority(), authority);
        }
        for role in ["admin", "", "Reader", "editor"] {
            assert!(role.parse::<KeyRole>().is_err(), "{role}");
        }
    }
}
