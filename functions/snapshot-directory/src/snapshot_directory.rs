//! The use case: writes a snapshot of the directory, so that a new process need not read the whole
//! feed.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _, future, stream};
use shared::{
    application::ports::Clock,
    directory::{
        Manifest, SegmentName, SegmentRef, feed,
        ports::{Newest, Snapshots, UserFeed},
        replica::Replica,
        snapshot::{self, FORMAT, SEGMENT_LIFE},
    },
    domain::{Result, Timestamp},
};

/// After so long a snapshot is written even if little changed.
const STALE: Duration = Duration::from_hours(24);

/// One in so many users must have changed: until then, what a new process reads of the feed is little
/// compared with what it loads.
const SHARE: usize = 32;

/// Segments written at once.
const AT_ONCE: usize = 8;

/// Writes snapshots.
pub struct SnapshotDirectory {
    /// The changes.
    pub feed: Arc<dyn UserFeed>,
    /// The store of snapshots.
    pub snapshots: Arc<dyn Snapshots>,
    pub clock: Arc<dyn Clock>,
    /// How far each snapshot reads back in the feed before the last one: longer than the index ever
    /// lags.
    pub overlap: Duration,
    /// Users who must have changed for a snapshot to be worth its writes.
    pub changes: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Too little has changed.
    NotWorthIt {
        /// How many users changed.
        changes: usize,
    },
    /// Another run wrote a snapshot meanwhile.
    Overtaken,
    /// There is a new snapshot.
    Written {
        /// Its number.
        generation: u64,
        users: usize,
        /// Segments it consists of.
        segments: usize,
        /// Those of them which are new.
        written: usize,
    },
}

impl SnapshotDirectory {
    /// Writes a snapshot, if that is worth it.
    ///
    /// New segments are written first, then the manifest, which replaces the one this run began with
    /// and no other; so a snapshot exists as a whole or not at all. Then the segments are removed which
    /// only the generation before the last had: a process may take until the second snapshot after to
    /// load one. What a run leaves that stops in between expires in the table.
    pub async fn execute(&self) -> Result<Outcome> {
        let now = self.clock.now();
        let newest = self.snapshots.newest().await?;
        let last = match &newest {
            Some(Newest::Readable(manifest)) => Some(manifest),
            _ => None,
        };
        if let Some(last) = last
            && let Some(changes) = self.too_few_changes(last, now).await?
        {
            return Ok(Outcome::NotWorthIt { changes });
        }
        let mut replica = match &newest {
            Some(newest) => Replica::load(&*self.snapshots, newest).await?,
            None => None,
        }
        .unwrap_or_default();
        replica.catch_up(&*self.feed, self.overlap, now).await?;
        let users = replica.columns().len();
        if newest.is_none() && users < self.changes {
            return Ok(Outcome::NotWorthIt { changes: users });
        }
        let expected = newest.as_ref().map(Newest::generation);
        let generation = expected.map_or(1, |expected| expected + 1);
        let (segments, written) = self.write(&replica, generation, last, now).await?;
        let manifest = Manifest {
            generation,
            format: FORMAT,
            written_at: now,
            read_to: replica.read_to(),
            users: users as u64,
            retired: last.map_or_else(Vec::new, |last| without(&last.segments, &segments)),
            segments,
        };
        if !self.snapshots.swap(expected, &manifest).await? {
            return Ok(Outcome::Overtaken);
        }
        let retired = last.map_or(&[][..], |last| &last.retired);
        self.remove(retired).await?;
        Ok(Outcome::Written {
            generation,
            users,
            segments: manifest.segments.len(),
            written,
        })
    }

    /// Number of users changed since the last snapshot, if that is too few for another one.
    async fn too_few_changes(&self, last: &Manifest, now: Timestamp) -> Result<Option<usize>> {
        if last.written_at.plus(STALE) <= now {
            return Ok(None);
        }
        let changes = feed::changes_since(&*self.feed, last.read_to).await?;
        let share = usize::try_from(last.users).unwrap_or(usize::MAX) / SHARE;
        Ok((changes < share.max(self.changes)).then_some(changes))
    }

    /// Writes the segments of a generation except those which the last one has. Returns all of them,
    /// and how many were written.
    async fn write(
        &self,
        replica: &Replica,
        generation: u64,
        last: Option<&Manifest>,
        now: Timestamp,
    ) -> Result<(Vec<SegmentRef>, usize)> {
        let is_young = |segment: &&SegmentRef| segment.written_at.plus(SEGMENT_LIFE / 2) > now;
        let segments = last.map_or(&[][..], |last| &last.segments);
        let kept: HashMap<_, _> = segments
            .iter()
            .filter(is_young)
            .map(|segment| (segment.name.digest, *segment))
            .collect();
        let (mut all, mut new) = (Vec::new(), Vec::new());
        for bytes in snapshot::segments(replica.columns())? {
            let name = SegmentName::of(generation, &bytes);
            if let Some(segment) = kept.get(&name.digest) {
                all.push(*segment);
            } else {
                let written_at = now;
                all.push(SegmentRef { name, written_at });
                new.push((name, bytes));
            }
        }
        let written = new.len();
        let puts = stream::iter(new)
            .map(|(name, bytes)| async move { self.snapshots.put_segment(&name, bytes).await });
        puts.buffer_unordered(AT_ONCE)
            .try_for_each(future::ok)
            .await?;
        Ok((all, written))
    }

    async fn remove(&self, segments: &[SegmentRef]) -> Result<()> {
        for segment in segments {
            self.snapshots.remove_segment(&segment.name).await?;
        }
        Ok(())
    }
}

/// The segments of `old` that are not in `new`.
fn without(old: &[SegmentRef], new: &[SegmentRef]) -> Vec<SegmentRef> {
    let is_gone = |segment: &&SegmentRef| !new.contains(segment);
    old.iter().filter(is_gone).copied().collect()
}

#[cfg(test)]
mod tests;
