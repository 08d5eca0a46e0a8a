//! The directory over `DynamoDB`: columns in memory that catch up with the feed before each answer.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use futures::{TryStreamExt as _, stream};
use tokio::sync::Mutex;

use super::feed::{self, Page, SHARDS};
use crate::{
    directory::{Columns, Row},
    domain::{
        Result, Timestamp,
        listing::{Listed, Listing},
    },
    ports::{Clock, UserDirectory},
};

/// The users as this process knows them.
///
/// Each question first reads what changed since the last one: all shards of the feed at once, from
/// where they were read to, less an overlap. The overlap covers that clocks differ, that a write is
/// stamped a little before it is done, and that the index lags behind the table; rows read again
/// change nothing. A shard that was never read is read from its start.
///
/// Questions asked at the same time are answered one after the other.
pub struct Directory {
    client: Client,
    table: String,
    overlap: Duration,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// What a snapshot would give a new process.
#[derive(Debug)]
struct State {
    columns: Columns,
    /// For each shard, the time up to which everything written was read, but for the overlap.
    read_to: [Timestamp; SHARDS],
}

impl Default for State {
    fn default() -> Self {
        Self {
            columns: Columns::new(),
            read_to: [Timestamp::from_micros(0); SHARDS],
        }
    }
}

impl Directory {
    /// A directory that knows nobody yet.
    ///
    /// `overlap` must be longer than clocks differ, the index lags and an attempt to write takes,
    /// together.
    pub fn new(client: Client, table: String, overlap: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            table,
            overlap,
            clock,
            state: Mutex::default(),
        }
    }

    /// Octets the columns take.
    pub async fn memory(&self) -> usize {
        self.state.lock().await.columns.memory()
    }

    /// Reads what changed. Stopped midway, it goes on from there the next time.
    async fn catch_up(&self, state: &mut State) -> Result<()> {
        let started = self.clock.now();
        let shards = state.read_to.iter().enumerate().map(|(shard, read_to)| {
            let from = read_to.minus(self.overlap);
            Box::pin(feed::pages(&self.client, &self.table, shard, from))
        });
        let mut pages = stream::select_all(shards);
        while let Some(page) = pages.try_next().await? {
            state.take(&page, started)?;
        }
        let earliest = state.read_to.iter().min().copied();
        // All further rows will be from there on.
        state
            .columns
            .forget_erased(earliest.unwrap_or(started).minus(self.overlap));
        Ok(())
    }
}

#[async_trait]
impl UserDirectory for Directory {
    async fn list(&self, listing: &Listing) -> Result<Listed> {
        let mut state = self.state.lock().await;
        self.catch_up(&mut state).await?;
        state.columns.list(listing)
    }
}

impl State {
    fn take(&mut self, page: &Page, started: Timestamp) -> Result<()> {
        for row in &page.rows {
            self.columns.upsert(row)?;
        }
        let seen = match page.rows.last() {
            // Whatever was written before the read began, it has seen.
            _ if page.last => Some(started),
            // A row from a clock that is ahead must not hide those of others.
            Some(Row::Present(user)) => Some(user.updated_at.min(started)),
            Some(Row::Erased(tombstone)) => Some(tombstone.updated_at.min(started)),
            None => None,
        };
        if let (Some(read_to), Some(seen)) = (self.read_to.get_mut(page.shard), seen) {
            *read_to = seen.max(*read_to);
        }
        Ok(())
    }
}
