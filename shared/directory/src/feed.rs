//! Reading the whole feed: all its shards at once, page after page.

use std::future;

use domain::{Result, Timestamp, user::Profile};
use futures::{Stream, TryStreamExt as _, stream};

use crate::{
    Row, SHARDS, Specification,
    ports::{FeedPage, FeedPosition, UserFeed},
};

/// The users who satisfy a specification. The store narrows them down as far as it can tell.
///
/// One who changes meanwhile may come twice, one who came in the last moments not yet.
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
            Row::Present(user) => Some(user),
            Row::Erased(_) => None,
        }))
    })
}

/// How many users changed since the shards were read to these times.
pub async fn changes_since(feed: &dyn UserFeed, read_to: [Timestamp; SHARDS]) -> Result<usize> {
    // The feed has one row for each user, that of the last change.
    let count = |sum, (_, page): (_, FeedPage)| future::ready(Ok(sum + page.rows.len()));
    pages(feed, read_to, None).try_fold(0, count).await
}

/// What the shards hold, each from its time on, and which shard a page is of.
pub(crate) fn pages<'a>(
    feed: &'a dyn UserFeed,
    from: [Timestamp; SHARDS],
    matching: Option<&'a Specification>,
) -> impl Stream<Item = Result<(usize, FeedPage)>> + Send + 'a {
    let shards = from.into_iter().enumerate();
    stream::select_all(shards.map(move |(shard, from)| {
        let start = Some(FeedPosition::at(from));
        Box::pin(stream::try_unfold(start, move |place| async move {
            let Some(place) = place else { return Ok(None) };
            let page = feed.page(shard, &place, matching).await?;
            let next = page.next;
            Ok(Some(((shard, page), next)))
        }))
    }))
}
