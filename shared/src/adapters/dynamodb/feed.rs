//! The feed: the index by which the directory sees which users changed since it last looked.
//!
//! It is spread over a few partitions, since one takes no more than 1,000 writes each second.

use crate::domain::UserId;

/// Partitions of the feed. Fixed for ever: rows written under other numbers would be read by nobody.
pub const SHARDS: u8 = 4;

/// The value of the `feed` attribute in the partition `shard`, which is below [`SHARDS`].
pub fn partition(shard: u8) -> String {
    format!("FEED#{shard}")
}

/// The partition of a user. The last byte of an id is random (RFC 9562, 5.7), hence its own hash.
pub(super) fn partition_of(id: UserId) -> String {
    let [.., last] = id.as_uuid().into_bytes();
    partition(last % SHARDS)
}
