//! What one process knows of the users: columns that began with a snapshot, or with nothing, and
//! follow the feed.

use std::time::Duration;

use domain::{Error, Result, Timestamp, error::Causes};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    Columns, Manifest, Row, SHARDS, SegmentRef, Unreadable, feed,
    listing::{Listed, Listing},
    ports::{FeedPage, Newest, Snapshots, UserFeed},
    segment::FORMAT,
};

/// How long a segment stays if nobody removes it before. A snapshot writes those anew of which half
/// that time is over.
pub const SEGMENT_LIFE: Duration = Duration::from_hours(7 * 24);

/// Segments read at once. Each is some 150 KB.
const AT_ONCE: usize = 16;

/// What one process knows of the users.
///
/// To catch up, it reads all shards of the feed at once, from where they were read to, less an
/// overlap. The overlap covers that clocks differ, that a write is stamped a little before it is
/// done, and that the index lags behind the table; rows read again change nothing. A shard that was
/// never read is read from its start.
#[derive(Debug)]
pub struct Replica {
    columns: Columns,
    /// For each shard, the time up to which everything written was read, but for the overlap.
    read_to: [Timestamp; SHARDS],
}

impl Default for Replica {
    /// A replica that knows nobody.
    fn default() -> Self {
        Self {
            columns: Columns::new(),
            read_to: [Timestamp::from_micros(0); SHARDS],
        }
    }
}

impl Replica {
    /// What the newest snapshot says. None if that is not readable as a whole: then the feed has
    /// to say it from its start. An operator hears of it.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn load(snapshots: &dyn Snapshots, newest: &Newest) -> Result<Option<Self>> {
        let loaded = match newest {
            Newest::Readable(manifest) => Self::load_all(snapshots, manifest).await,
            Newest::Unreadable { .. } => Err(Unreadable("its manifest is unknown here").into()),
        };
        let why = match loaded {
            Ok(replica) => return Ok(Some(replica)),
            Err(Failure::Unreadable(why)) => why.to_string(),
            // It will not become better by itself.
            Err(Failure::Error(error)) if error.is_internal() => Causes(&error).to_string(),
            Err(Failure::Error(error)) => return Err(error),
        };
        let generation = newest.generation();
        tracing::error!(
            metric = "UnreadableSnapshot",
            generation,
            why,
            "the directory is read from its feed"
        );
        Ok(None)
    }

    async fn load_all(snapshots: &dyn Snapshots, manifest: &Manifest) -> Result<Self, Failure> {
        if manifest.format != FORMAT {
            return Err(Unreadable("it has another format").into());
        }
        let mut replica = Self {
            columns: Columns::new(),
            read_to: manifest.read_to,
        };
        let segments = stream::iter(manifest.segments.clone())
            .map(|segment| read(snapshots, segment))
            // In their order, in which the rows are all but sorted by `createdAt`.
            .buffered(AT_ONCE);
        let mut segments = std::pin::pin!(segments);
        while let Some(bytes) = segments.try_next().await? {
            replica.columns.load(&bytes)?;
        }
        if replica.columns.len() as u64 != manifest.users {
            return Err(Unreadable("it has not as many users as it says").into());
        }
        Ok(replica)
    }

    /// Reads what changed until now. Stopped midway, it goes on from there the next time.
    pub async fn catch_up(
        &mut self,
        feed: &dyn UserFeed,
        overlap: Duration,
        now: Timestamp,
    ) -> Result<()> {
        let from = self.read_to.map(|read_to| read_to.minus(overlap));
        let mut pages = feed::pages(feed, from, None);
        while let Some((shard, page)) = pages.try_next().await? {
            self.take(shard, &page, now)?;
        }
        let earliest = self.read_to.iter().min().copied();
        // All further rows will be from there on.
        self.columns
            .forget_erased(earliest.unwrap_or(now).minus(overlap));
        Ok(())
    }

    /// Answers a question from what is known.
    pub fn list(&mut self, listing: &Listing) -> Result<Listed> {
        self.columns.list(listing)
    }

    /// The columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// For each shard of the feed, the time up to which everything written was read.
    pub fn read_to(&self) -> [Timestamp; SHARDS] {
        self.read_to
    }

    fn take(&mut self, shard: usize, page: &FeedPage, now: Timestamp) -> Result<()> {
        for row in &page.rows {
            self.columns.upsert(row)?;
        }
        let seen = match page.rows.last() {
            // Whatever was written before the read began, it has seen.
            _ if page.next.is_none() => Some(now),
            // A row from a clock that is ahead must not hide those of others.
            Some(Row::Present(user)) => Some(user.updated_at.min(now)),
            Some(Row::Erased(tombstone)) => Some(tombstone.updated_at.min(now)),
            None => None,
        };
        if let (Some(read_to), Some(seen)) = (self.read_to.get_mut(shard), seen) {
            *read_to = seen.max(*read_to);
        }
        Ok(())
    }
}

/// Why a snapshot was not loaded.
enum Failure {
    Unreadable(Unreadable),
    Error(Error),
}

impl From<Unreadable> for Failure {
    fn from(why: Unreadable) -> Self {
        Self::Unreadable(why)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

async fn read(snapshots: &dyn Snapshots, segment: SegmentRef) -> Result<Vec<u8>, Failure> {
    let bytes = snapshots.segment(&segment.name).await?;
    let bytes = bytes.ok_or(Unreadable("a segment is missing"))?;
    if segment.name.is_of(&bytes) {
        Ok(bytes)
    } else {
        Err(Unreadable("a segment is damaged").into())
    }
}
