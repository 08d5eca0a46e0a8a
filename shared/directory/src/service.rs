//! The directory of one process: a replica which is brought up to date before each answer.

use std::{sync::Arc, time::Duration};

use application::ports::Clock;
use async_trait::async_trait;
use domain::{Result, Timestamp, error::Causes};
use tokio::{sync::Mutex, time::timeout};

use crate::{
    columns::Columns,
    ports::{Newest, Snapshots, UserDirectory, UserFeed},
    query::{UserPage, UserQuery},
    replica::Replica,
};

/// How often a process looks for a newer snapshot, as long as it is asked.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// How long an answer may be late for a newer snapshot. A million users load in about a second.
const PATIENCE: Duration = Duration::from_secs(5);

/// The users as this process knows them.
///
/// A new process loads the newest snapshot. Each answer then begins with the changes since the last
/// one. Once a minute an answer begins with a look for a newer snapshot and loads it: should the
/// index have lagged for longer than the overlap, what was missed is in there.
///
/// All of that happens while a query is answered, never beside: Lambda freezes a process between two
/// invocations, so a task in the background would find its connections timed out and load the same
/// segments again and again. A newer snapshot that is not loaded in time is given up, and the next
/// one is waited for; the replica stays right without it.
///
/// Queries at the same time are answered one after the other.
pub struct Directory {
    feed: Arc<dyn UserFeed>,
    snapshots: Arc<dyn Snapshots>,
    overlap: Duration,
    patience: Duration,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    replica: Option<Replica>,
    /// Of the newest snapshot this process has seen, loaded or not.
    generation: Option<u64>,
    /// When it last looked for a newer one.
    looked_at: Option<Timestamp>,
}

impl Directory {
    /// A directory which has loaded nothing yet.
    ///
    /// `overlap` must be longer than clock skew, the lag of the index and one attempt of a write
    /// together.
    pub fn new(
        feed: Arc<dyn UserFeed>,
        snapshots: Arc<dyn Snapshots>,
        overlap: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            feed,
            snapshots,
            overlap,
            patience: PATIENCE,
            clock,
            state: Mutex::default(),
        }
    }

    /// Loads all users, so that the first query need not wait for it. If that fails or takes longer
    /// than `patience`, the first query does the rest, and can answer with the error.
    pub async fn warm_up(&self, patience: Duration) {
        let state = &mut *self.state.lock().await;
        if let Ok(Err(error)) = timeout(patience, self.up_to_date(state)).await {
            tracing::warn!(%error, "the directory is not loaded yet");
        }
    }

    /// The columns, with all that was written before.
    async fn up_to_date<'a>(&self, state: &'a mut State) -> Result<&'a mut Columns> {
        let now = self.clock.now();
        let is_time = |looked_at: Timestamp| looked_at.plus(LOOK_AGAIN) <= now;
        if state.replica.is_none() {
            if let Some(newest) = self.snapshots.newest().await? {
                state.replica = Replica::load(&*self.snapshots, &newest).await?;
                state.generation = Some(newest.generation());
                state.looked_at = Some(now);
            }
        } else if state.looked_at.is_none_or(is_time) {
            state.looked_at = Some(now);
            match timeout(self.patience, self.rebase(state, now)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(error = %Causes(&error), "no newer snapshot was loaded");
                }
                Err(_) => tracing::warn!("a newer snapshot was not loaded in time"),
            }
        }
        let replica = state.replica.get_or_insert_default();
        replica.catch_up(&*self.feed, self.overlap, now).await?;
        Ok(replica.columns_mut())
    }

    /// Replaces the replica by the newest snapshot, caught up, if that is not known yet.
    async fn rebase(&self, state: &mut State, now: Timestamp) -> Result<()> {
        let newest = self.snapshots.newest().await?;
        let known = state.generation;
        let Some(newest) = newest.filter(|newest| Some(newest.generation()) != known) else {
            return Ok(());
        };
        // Noted first, so that a snapshot which takes too long is not paid for each minute.
        state.generation = Some(newest.generation());
        match self.loaded(&newest, now).await {
            Ok(replica) => state.replica = replica.or(state.replica.take()),
            Err(error) => {
                // The next look may succeed.
                state.generation = known;
                return Err(error);
            }
        }
        Ok(())
    }

    async fn loaded(&self, newest: &Newest, now: Timestamp) -> Result<Option<Replica>> {
        let mut replica = Replica::load(&*self.snapshots, newest).await?;
        if let Some(replica) = &mut replica {
            replica.catch_up(&*self.feed, self.overlap, now).await?;
        }
        Ok(replica)
    }
}

#[async_trait]
impl UserDirectory for Directory {
    async fn list(&self, query: &UserQuery) -> Result<UserPage> {
        let mut state = self.state.lock().await;
        Ok(self.up_to_date(&mut state).await?.list(query))
    }
}

#[cfg(test)]
mod tests;
