//! Reading the whole feed: all its shards at once, page after page.

use std::future;

use domain::{Result, Timestamp, id::SHARDS, user::Profile};
use futures::{Stream, TryStreamExt as _, stream};

use crate::{
    ports::{FeedPage, FeedPosition, UserFeed},
    query::filter::Specification,
    row::FeedRow,
};

/// The users who satisfy a specification. The store drops others as far as it can.
///
/// A user who changes meanwhile may come twice; the newest users may be missing.
pub fn matching<'a>(
    feed: &'a dyn UserFeed,
    specification: &'a Specification,
) -> impl Stream<Item = Result<Profile>> + Send + 'a {
    let start = [Timestamp::from_micros(0); SHARDS];
    let rows = pages(feed, start, Some(specification))
        .map_ok(|(_, page)| stream::iter(page.rows.into_iter().map(Ok)))
        .try_flatten();
    rows.try_filter_map(|row| {
        future::ready(Ok(match row {
            FeedRow::Present(user) => Some(user),
            FeedRow::Erased(_) => None,
        }))
    })
}

/// The rows of users who changed, or were erased, at `from` or later.
pub fn changed_since(
    feed: &dyn UserFeed,
    from: Timestamp,
) -> impl Stream<Item = Result<FeedRow>> + Send + '_ {
    pages(feed, [from; SHARDS], None)
        .map_ok(|(_, page)| stream::iter(page.rows.into_iter().map(Ok)))
        .try_flatten()
}

/// Number of users changed since the shards were read up to these times.
pub async fn changes_since(feed: &dyn UserFeed, read_to: [Timestamp; SHARDS]) -> Result<usize> {
    // The feed has one row for each user, that of the last change.
    let count = |sum, (_, page): (_, FeedPage)| future::ready(Ok(sum + page.rows.len()));
    pages(feed, read_to, None).try_fold(0, count).await
}

/// The pages of all shards, each shard from its time on, with the number of the shard.
pub(crate) fn pages<'a>(
    feed: &'a dyn UserFeed,
    from: [Timestamp; SHARDS],
    matching: Option<&'a Specification>,
) -> impl Stream<Item = Result<(usize, FeedPage)>> + Send + 'a {
    let shards = from.into_iter().enumerate();
    stream::select_all(shards.map(move |(shard, from)| {
        let start = Some(FeedPosition::at(from));
        Box::pin(stream::try_unfold(start, move |position| async move {
            let Some(position) = position else {
                return Ok(None);
            };
            let page = feed.page(shard, &position, matching).await?;
            let next = page.next;
            Ok(Some(((shard, page), next)))
        }))
    }))
}
