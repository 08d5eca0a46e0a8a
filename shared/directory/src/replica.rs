//! Columns which begin with a snapshot, or empty, and follow the feed.

use std::time::Duration;

use domain::{Error, Result, Timestamp, error::Causes, id::SHARDS};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    columns::Columns,
    feed,
    ports::{FeedPage, Newest, Snapshots, UserFeed},
    snapshot::{FORMAT, Manifest, SegmentRef, Unreadable, load_segment},
};

/// Segments read at once. Each is some 150 KB.
const AT_ONCE: usize = 16;

/// The users as one process knows them.
///
/// To catch up, it reads all shards of the feed at once, from its watermarks less an overlap. The
/// overlap covers clock skew, the time between the stamp of a write and its commit, and the lag of
/// the index; rows read again change nothing. A shard that was never read is read from its start.
#[derive(Debug)]
pub struct Replica {
    columns: Columns,
    /// The watermarks: for each shard, the time up to which all writes were read, except for the overlap.
    read_to: [Timestamp; SHARDS],
}

impl Default for Replica {
    /// A replica without users.
    fn default() -> Self {
        Self {
            columns: Columns::new(),
            read_to: [Timestamp::from_micros(0); SHARDS],
        }
    }
}

impl Replica {
    /// Loads a snapshot. None, with an error log and a metric, if it is not readable as a whole; then
    /// the feed must be read from its start.
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
            // It would fail the same way the next time.
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
            // In their order, in which the rows are nearly sorted by `createdAt`.
            .buffered(AT_ONCE);
        let mut segments = std::pin::pin!(segments);
        while let Some(bytes) = segments.try_next().await? {
            load_segment(&mut replica.columns, &bytes)?;
        }
        if replica.columns.len() as u64 != manifest.users {
            return Err(Unreadable("it does not have as many users as it says").into());
        }
        Ok(replica)
    }

    /// Reads the changes until now. If it is stopped midway, the next call goes on from there.
    pub async fn catch_up(
        &mut self,
        feed: &dyn UserFeed,
        overlap: Duration,
        now: Timestamp,
    ) -> Result<()> {
        let from = self.read_to.map(|read_to| read_to.minus(overlap));
        let mut pages = feed::pages(feed, from, None);
        while let Some((shard, page)) = pages.try_next().await? {
            self.apply(shard, &page, now)?;
        }
        let earliest = self.read_to.iter().min().copied();
        // All further rows will be from there on.
        self.columns
            .forget_erased(earliest.unwrap_or(now).minus(overlap));
        Ok(())
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The columns, which are changed when they answer a query.
    pub fn columns_mut(&mut self) -> &mut Columns {
        &mut self.columns
    }

    /// The watermarks: for each shard, the time up to which all writes were read.
    pub fn read_to(&self) -> [Timestamp; SHARDS] {
        self.read_to
    }

    fn apply(&mut self, shard: usize, page: &FeedPage, now: Timestamp) -> Result<()> {
        for row in &page.rows {
            self.columns.upsert(row)?;
        }
        let seen = match page.rows.last() {
            // All writes before the start of the read were seen.
            _ if page.next.is_none() => Some(now),
            // A row stamped by a fast clock must not move the watermark past rows of others.
            Some(row) => Some(row.updated_at().min(now)),
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
