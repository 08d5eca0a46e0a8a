//! Identifiers. All are `UUIDv7`, so that they sort by the time they were made.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid, fmt::Hyphenated};

use super::{Timestamp, error::Violation};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id: the time in its first 48 bits, the random bytes in the rest.
            pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
                Self(v7(now, random))
            }

            /// The 128 bits.
            pub fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Violation;

            /// Takes the hyphenated form only, in either letter case (RFC 9562, 4).
            fn from_str(raw: &str) -> Result<Self, Violation> {
                Uuid::try_parse(raw)
                    .ok()
                    .filter(|_| raw.len() == Hyphenated::LENGTH)
                    .map(Self)
                    .ok_or_else(|| Violation::new("invalid-id", "is not an id"))
            }
        }
    };
}

id! {
    /// Identifies a user for ever, also after erasure.
    UserId
}
id! {
    /// Identifies an event; observers are idempotent by it.
    EventId
}
id! {
    /// Identifies a session: the `sid` of its tokens.
    SessionId
}
id! {
    /// Identifies an anonymous request, such as a concealed sign-up.
    RequestId
}
id! {
    /// Identifies an API key.
    ApiKeyId
}

/// Partitions of the feed: `DynamoDB` writes 1,000 times a second to one. Fixed for ever: rows
/// written under other numbers would be read by nobody.
pub const SHARDS: usize = 4;

/// The partition of a user. The last byte of an id is random (RFC 9562, 5.7), so it serves as hash.
pub fn shard_of(id: UserId) -> usize {
    let [.., last] = id.as_uuid().into_bytes();
    usize::from(last) % SHARDS
}

/// RFC 9562 section 5.7.
fn v7(now: Timestamp, random: [u8; 10]) -> Uuid {
    Builder::from_unix_timestamp_millis(now.as_millis(), &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let early = UserId::new(Timestamp::from_micros(1_000_000), [255; 10]);
        let late = UserId::new(Timestamp::from_micros(2_000_000), [0; 10]);
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn an_id_is_read_in_either_case_and_written_in_lower() {
        let id = UserId::new(Timestamp::from_micros(1_000_000), [0xab; 10]);
        assert_eq!(id.to_string(), id.to_string().to_lowercase());
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
    }

    #[test]
    fn other_forms_of_a_uuid_are_no_id() {
        let uuid = UserId::new(Timestamp::from_micros(1_000_000), [7; 10]).as_uuid();
        for other in [
            uuid.as_simple().to_string(),
            uuid.as_braced().to_string(),
            uuid.as_urn().to_string(),
            String::new(),
        ] {
            assert!(other.parse::<UserId>().is_err(), "{other}");
        }
    }

    /// Rows are where an earlier release has written them.
    #[test]
    fn users_are_spread_over_the_partitions_as_ever() {
        for (last, shard) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 0), (255, 3)] {
            let mut random = [7; 10];
            random[9] = last;
            let id = UserId::new(Timestamp::EPOCH, random);
            assert_eq!(shard_of(id), shard, "{last}");
        }
    }

    #[test]
    fn an_id_of_before_1970_has_no_time() {
        let id = UserId::new(Timestamp::from_seconds(-1), [7; 10]);
        assert_eq!(id, UserId::new(Timestamp::EPOCH, [7; 10]));
    }
}
