//! Snapshots: columns as bytes, to be kept and loaded again.
//!
//! A snapshot is a [`Manifest`] and the segments it names. A segment is
//!
//! | part, in this order | bytes |
//! |---|---|
//! | [`FORMAT`] | 4 |
//! | how many rows, tombstones, sets of roles | 4 each |
//! | each set of roles: how many, and each one's length and text | 1, 1 + n |
//! | ids | 16 a row |
//! | flags: active, verified, spelling of name and address | 1 a row |
//! | number of the set of roles | 4 a row |
//! | created, updated, in microseconds since 1970 | 8 + 8 a row |
//! | version | 4 a row |
//! | lengths of name, address, and of their own spellings, 0 if they have none | 8 a row |
//! | name, address, own spellings, all folded but the last | n a row |
//! | tombstones: id, version, time of erasure | 32 each |
//!
//! Numbers are little-endian; all of it is compressed by zstd. Column after column, since like
//! things next to each other compress best.

mod manifest;
mod read;
mod write;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::{
    manifest::{Manifest, SegmentName, SegmentRef},
    read::load_segment,
    write::segments,
};

/// How long a segment is kept unless it is removed before. A snapshot writes those anew of which half
/// that time is over.
pub const SEGMENT_LIFE: Duration = Duration::from_hours(7 * 24);

/// A snapshot, or a part of one, that is damaged or was written by another version of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a snapshot is unreadable: {0}")]
pub struct Unreadable(pub &'static str);

/// The number of this layout. It must grow whenever the same bytes would mean something else:
/// that includes [folding](crate::query::fold).
pub const FORMAT: u32 = 1;

/// Bytes of a segment at most: with its key it fits into an item of `DynamoDB`, which takes 400 KB.
pub const MAX_BYTES: usize = 350_000;

/// Bytes of a segment before compression at most, so that a reader knows what room it needs.
const MAX_UNPACKED: usize = 4 << 20;

/// Bytes of a tombstone.
const TOMBSTONE: usize = 32;

const ACTIVE: u8 = 1;
const VERIFIED: u8 = 2;
/// Where the two bits of the spelling of a name are.
const NAME_SHIFT: u32 = 2;
/// Where those of an address are.
const EMAIL_SHIFT: u32 = 4;

/// Spellings, as two bits.
const FOLDED: u8 = 0;
const CAPITALISED: u8 = 1;
const OWN: u8 = 2;
