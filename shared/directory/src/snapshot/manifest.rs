//! What a snapshot consists of.

use std::{fmt, str::FromStr};

use domain::{Timestamp, history::Digest, id::SHARDS};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

/// A snapshot of the columns: its segments, and from where on the feed has more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Grows by one with each snapshot.
    pub generation: u64,
    /// The [`FORMAT`](super::FORMAT) of the segments.
    pub format: u32,
    /// When it was written.
    pub written_at: Timestamp,
    /// For each shard of the feed, the time up to which everything written was read.
    pub read_to: [Timestamp; SHARDS],
    /// How many users there are.
    pub users: u64,
    pub segments: Vec<SegmentRef>,
    /// The segments of the generation before which this one has no more. Another process may still
    /// be reading them, so the next generation removes them.
    pub retired: Vec<SegmentRef>,
}

/// A segment of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SegmentRef {
    pub name: SegmentName,
    /// When it was written: it is kept for [`SEGMENT_LIFE`](super::SEGMENT_LIFE).
    pub written_at: Timestamp,
}

/// The name of a segment: the generation for which it was written first, and the hash of its bytes.
///
/// The hash proves that a segment is whole, and shows which segments are unchanged and need not be
/// written again. The generation keeps the removal of an older snapshot's segments away from those
/// which a newer one is writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// For which generation it was written.
    pub generation: u64,
    /// Of its bytes.
    pub digest: Digest,
}

impl SegmentName {
    /// The name of a segment with these bytes, written for `generation`.
    pub fn of(generation: u64, bytes: &[u8]) -> Self {
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        Self {
            generation,
            digest: hash.into(),
        }
    }

    /// True if these are its bytes.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        Self::of(self.generation, bytes) == *self
    }
}

/// `7#<hash>`.
impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.generation, self.digest)
    }
}

impl FromStr for SegmentName {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let (generation, digest) = raw.split_once('#').unwrap_or_default();
        Ok(Self {
            generation: generation
                .parse()
                .map_err(|_| "is not the name of a segment".to_owned())?,
            digest: digest.parse()?,
        })
    }
}

impl Serialize for SegmentName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SegmentName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}
