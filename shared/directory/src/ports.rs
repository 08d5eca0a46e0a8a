//! The ports of the read model.

use async_trait::async_trait;
use domain::{Result, Timestamp, UserId};

use crate::{
    query::{UserPage, UserQuery, filter::Specification},
    row::FeedRow,
    snapshot::{Manifest, SegmentName},
};

/// The users as administrators search them. Eventually consistent: it follows an index of the
/// repository.
#[async_trait]
pub trait UserDirectory: Send + Sync {
    /// The page asked for, and the exact total.
    async fn list(&self, query: &UserQuery) -> Result<UserPage>;
}

/// One row for each user, that of the last change, in [`SHARDS`](crate::SHARDS) parts, each in the
/// order of `updatedAt`. Eventually consistent.
#[async_trait]
pub trait UserFeed: Send + Sync {
    /// Some rows of one shard, from a position on. With `matching`, only rows of existing users who
    /// satisfy it. A page may have no rows and still have a next one. Items which cannot be read are
    /// left out and reported.
    async fn page(
        &self,
        shard: usize,
        from: &FeedPosition,
        matching: Option<&Specification>,
    ) -> Result<FeedPage>;
}

/// A position in a shard of the feed: before all rows of a time, or after one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPosition {
    pub time: Timestamp,
    /// The user whose row was the last before the position; none if it is before all of that time.
    pub after: Option<UserId>,
}

impl FeedPosition {
    /// Before all rows of `time`.
    pub fn at(time: Timestamp) -> Self {
        Self { time, after: None }
    }
}

/// Some rows of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    pub rows: Vec<FeedRow>,
    /// Where the next page begins; none if there are no more rows.
    pub next: Option<FeedPosition>,
}

/// The snapshots of the read model.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// The newest manifest, if there is one. Strongly consistent.
    async fn newest(&self) -> Result<Option<Newest>>;

    /// A segment, as it was put; none if there is no such segment (any more).
    async fn segment(&self, name: &SegmentName) -> Result<Option<Vec<u8>>>;

    /// Keeps a segment for [`SEGMENT_LIFE`](crate::snapshot::SEGMENT_LIFE). Idempotent.
    async fn put_segment(&self, name: &SegmentName, bytes: Vec<u8>) -> Result<()>;

    /// Makes `manifest` the newest one if the newest is still of generation `expected`. Returns true
    /// if it is the newest now. Idempotent.
    async fn swap(&self, expected: Option<u64>, manifest: &Manifest) -> Result<bool>;

    /// Removes a segment. Idempotent.
    async fn remove_segment(&self, name: &SegmentName) -> Result<()>;
}

/// The newest manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Newest {
    Readable(Manifest),
    /// It was written by another version of this program, or is damaged.
    Unreadable {
        /// Its generation, by which it can be replaced.
        generation: u64,
    },
}

impl Newest {
    pub fn generation(&self) -> u64 {
        match self {
            Self::Readable(manifest) => manifest.generation,
            Self::Unreadable { generation } => *generation,
        }
    }
}
