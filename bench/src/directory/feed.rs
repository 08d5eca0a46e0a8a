//! A feed of the sample, from which the snapshot is made.

use async_trait::async_trait;
use shared::{
    directory::{
        FeedRow, SHARDS, Specification,
        ports::{FeedPage, FeedPosition, UserFeed},
        shard_of,
    },
    domain::{Result, user::Profile},
};

/// Rows on a page: as many as make 1 MB.
const PAGE: usize = 4_000;

/// Users by shard, in the order of their times.
pub(crate) struct Feed([Vec<Profile>; SHARDS]);

impl Feed {
    pub(crate) fn of(users: Vec<Profile>) -> Self {
        let mut shards: [Vec<Profile>; SHARDS] = Default::default();
        for user in users {
            if let Some(shard) = shards.get_mut(shard_of(user.id)) {
                shard.push(user);
            }
        }
        for shard in &mut shards {
            shard.sort_unstable_by_key(|user| (user.updated_at, user.id));
        }
        Self(shards)
    }
}

#[async_trait]
impl UserFeed for Feed {
    async fn page(
        &self,
        shard: usize,
        from: &FeedPosition,
        matching: Option<&Specification>,
    ) -> Result<FeedPage> {
        let users = self.0.get(shard).map(Vec::as_slice).unwrap_or_default();
        let start = users.partition_point(|user| match from.after {
            Some(after) => (user.updated_at, user.id) <= (from.time, after),
            None => user.updated_at < from.time,
        });
        let rest = users.get(start..).unwrap_or_default();
        let page = rest.get(..PAGE).unwrap_or(rest);
        let last = page.last().filter(|_| page.len() < rest.len());
        let rows = page.iter().cloned().map(FeedRow::Present);
        Ok(FeedPage {
            next: last.map(|user| FeedPosition {
                time: user.updated_at,
                after: Some(user.id),
            }),
            rows: rows.filter(|row| row.matches(matching)).collect(),
        })
    }
}
