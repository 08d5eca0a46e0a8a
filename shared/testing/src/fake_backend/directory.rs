//! The ports of the directory, over a [`FakeBackend`].

use std::collections::BTreeSet;

use async_trait::async_trait;
use directory::{
    Columns, FeedRow, Manifest, SegmentName, Specification, Tombstone,
    ports::{FeedPage, FeedPosition, Newest, Snapshots, UserDirectory, UserFeed},
    query::{UserPage, UserQuery},
    shard_of,
};
use domain::{Result, Timestamp, UserId};

use super::{FakeBackend, lock, state::State};

/// Rows on a page of the feed, few so that tests turn pages.
const PAGE: usize = 50;

#[async_trait]
impl UserDirectory for FakeBackend {
    async fn list(&self, query: &UserQuery) -> Result<UserPage> {
        self.call("directory.list", |state| {
            let mut columns = Columns::new();
            for user in state.users.values() {
                columns.upsert(&FeedRow::Present(user.profile()))?;
            }
            Ok(columns.list(query))
        })
        .await
    }
}

#[async_trait]
impl UserFeed for FakeBackend {
    async fn page(
        &self,
        shard: usize,
        from: &FeedPosition,
        matching: Option<&Specification>,
    ) -> Result<FeedPage> {
        self.call("feed.page", |state| {
            let mut rows = state.feed(shard);
            rows.retain(|(time, id, _)| match from.after {
                Some(after) => (*time, *id) > (from.time, after),
                None => *time >= from.time,
            });
            let has_more = rows.len() > PAGE;
            rows.truncate(PAGE);
            let last = rows.last().map(|(time, id, _)| FeedPosition {
                time: *time,
                after: Some(*id),
            });
            let rows = rows.into_iter().map(|(_, _, row)| row);
            Ok(FeedPage {
                next: last.filter(|_| has_more),
                rows: rows.filter(|row| row.matches(matching)).collect(),
            })
        })
        .await
    }
}

impl State {
    /// The rows of a shard, in the order of their times.
    fn feed(&self, shard: usize) -> Vec<(Timestamp, UserId, FeedRow)> {
        let present = self.users.values().map(|user| {
            let row = FeedRow::Present(user.profile());
            (user.updated_at, user.id, row)
        });
        let ids: BTreeSet<_> = self.history.keys().map(|(id, _)| *id).collect();
        let erased = ids.into_iter().filter_map(|id| {
            let is_his = |((owner, _), _): &(&(UserId, _), _)| *owner == id;
            let ((_, version), entry) = self.history.iter().rfind(is_his)?;
            let tombstone = Tombstone {
                id,
                version: *version,
                updated_at: entry.event.time,
            };
            let is_gone = !self.users.contains_key(&id);
            is_gone.then_some((entry.event.time, id, FeedRow::Erased(tombstone)))
        });
        let mut rows: Vec<_> = present
            .chain(erased)
            .filter(|(_, id, _)| shard_of(*id) == shard && !self.lagging.contains(id))
            .collect();
        rows.sort_unstable_by_key(|(time, id, _)| (*time, *id));
        rows
    }
}

#[async_trait]
impl Snapshots for FakeBackend {
    async fn newest(&self) -> Result<Option<Newest>> {
        self.call("snapshots.newest", |state| {
            Ok(state.manifest.clone().map(Newest::Readable))
        })
        .await
    }

    async fn segment(&self, name: &SegmentName) -> Result<Option<Vec<u8>>> {
        self.call("snapshots.segment", |state| {
            Ok(state.segments.get(name).cloned())
        })
        .await
    }

    async fn put_segment(&self, name: &SegmentName, bytes: Vec<u8>) -> Result<()> {
        self.call("snapshots.put_segment", |state| {
            state.segments.entry(*name).or_insert(bytes);
            Ok(())
        })
        .await
    }

    async fn swap(&self, expected: Option<u64>, manifest: &Manifest) -> Result<bool> {
        self.call("snapshots.swap", |state| {
            let newest = state.manifest.as_ref();
            let swaps = newest.map(|newest| newest.generation) == expected;
            if swaps {
                state.manifest = Some(manifest.clone());
            }
            Ok(swaps || state.manifest.as_ref() == Some(manifest))
        })
        .await
    }

    async fn remove_segment(&self, name: &SegmentName) -> Result<()> {
        self.call("snapshots.remove_segment", |state| {
            state.segments.remove(name);
            Ok(())
        })
        .await
    }
}

impl FakeBackend {
    /// Hides these users from the feed, as an index that lags behind.
    pub fn let_feed_lag(&self, lagging: impl IntoIterator<Item = UserId>) {
        lock(&self.state).lagging = lagging.into_iter().collect();
    }

    pub fn segments(&self) -> Vec<SegmentName> {
        lock(&self.state).segments.keys().copied().collect()
    }

    /// Changes the manifest without the port.
    pub fn tamper_with_manifest(&self, change: impl FnOnce(&mut Manifest)) {
        if let Some(manifest) = &mut lock(&self.state).manifest {
            change(manifest);
        }
    }
}
