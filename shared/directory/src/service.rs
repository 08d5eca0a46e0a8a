//! The directory: a replica of all users in this process, which catches up before each answer.

use std::{sync::Arc, time::Duration};

use application::ports::Clock;
use async_trait::async_trait;
use domain::{Result, Timestamp, error::Causes};
use tokio::{sync::Mutex, task::JoinHandle};

use crate::{
    listing::{Listed, Listing},
    ports::{Snapshots, UserDirectory, UserFeed},
    replica::Replica,
};

/// How often a process asks for a newer snapshot, if it is asked itself.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// The users as this process knows them.
///
/// A new process loads the newest snapshot. Afterwards each answer begins with what changed since
/// the last one. Once a minute, beside the answers, a process looks for a newer snapshot and loads
/// it: should the index have lagged for longer than the overlap, what it missed is in there. So no
/// answer waits for a snapshot but the first.
///
/// Questions asked at the same time are answered one after the other.
pub struct Directory {
    sources: Sources,
    state: Mutex<State>,
}

#[derive(Clone)]
struct Sources {
    feed: Arc<dyn UserFeed>,
    snapshots: Arc<dyn Snapshots>,
    overlap: Duration,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    replica: Option<Replica>,
    /// Of the newest snapshot this process has seen, loaded or not.
    generation: Option<u64>,
    /// When it last looked for a newer one.
    looked_at: Option<Timestamp>,
    rebase: Option<JoinHandle<Result<Option<Rebase>>>>,
}

/// What the search for a newer snapshot found.
struct Rebase {
    generation: u64,
    /// None if the snapshot is unreadable.
    replica: Option<Replica>,
}

impl Directory {
    /// A directory that knows nobody yet.
    ///
    /// `overlap` must be longer than clocks differ, the index lags and an attempt to write takes,
    /// together.
    pub fn new(
        feed: Arc<dyn UserFeed>,
        snapshots: Arc<dyn Snapshots>,
        overlap: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            sources: Sources {
                feed,
                snapshots,
                overlap,
                clock,
            },
            state: Mutex::default(),
        }
    }

    /// Loads all users, so that the first question does not wait for it. What is not done within
    /// `patience`, or fails, the first question does: it has somebody to tell of a failure.
    pub async fn warm_up(&self, patience: Duration) {
        let state = &mut *self.state.lock().await;
        let loaded = tokio::time::timeout(patience, self.up_to_date(state)).await;
        if let Ok(Err(error)) = loaded {
            tracing::warn!(%error, "the directory is not loaded yet");
        }
    }

    /// The replica, with all that was written before.
    async fn up_to_date<'a>(&self, state: &'a mut State) -> Result<&'a mut Replica> {
        let now = self.sources.clock.now();
        state.take_over().await;
        if state.replica.is_some() {
            self.look_for_newer(state, now);
        } else if let Some(newest) = self.sources.snapshots.newest().await? {
            state.replica = Replica::load(&*self.sources.snapshots, &newest).await?;
            state.generation = Some(newest.generation());
            state.looked_at = Some(now);
        }
        let replica = state.replica.get_or_insert_default();
        self.sources.catch_up(replica).await?;
        Ok(replica)
    }

    fn look_for_newer(&self, state: &mut State, now: Timestamp) {
        let is_time = |looked_at: Timestamp| looked_at.plus(LOOK_AGAIN) <= now;
        if state.rebase.is_none() && state.looked_at.is_none_or(is_time) {
            state.looked_at = Some(now);
            let (sources, known) = (self.sources.clone(), state.generation);
            state.rebase = Some(tokio::spawn(async move { sources.newer_than(known).await }));
        }
    }
}

impl State {
    /// Takes over a newer snapshot, if one has been loaded meanwhile.
    async fn take_over(&mut self) {
        let Some(mut rebase) = self.rebase.take_if(|rebase| rebase.is_finished()) else {
            return;
        };
        match (&mut rebase).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(rebase))) => {
                self.generation = Some(rebase.generation);
                self.replica = rebase.replica.or(self.replica.take());
            }
            // What is known stays right; the next look may succeed.
            Ok(Err(error)) => tracing::warn!(error = %Causes(&error), "no newer snapshot loaded"),
            Err(error) => tracing::warn!(%error, "no newer snapshot loaded"),
        }
    }
}

impl Sources {
    async fn catch_up(&self, replica: &mut Replica) -> Result<()> {
        let now = self.clock.now();
        replica.catch_up(&*self.feed, self.overlap, now).await
    }

    /// The newest snapshot, loaded and caught up, unless it is the one known.
    async fn newer_than(&self, known: Option<u64>) -> Result<Option<Rebase>> {
        let newest = self.snapshots.newest().await?;
        let Some(newest) = newest.filter(|newest| Some(newest.generation()) != known) else {
            return Ok(None);
        };
        let mut replica = Replica::load(&*self.snapshots, &newest).await?;
        if let Some(replica) = &mut replica {
            self.catch_up(replica).await?;
        }
        Ok(Some(Rebase {
            generation: newest.generation(),
            replica,
        }))
    }
}

#[async_trait]
impl UserDirectory for Directory {
    async fn list(&self, listing: &Listing) -> Result<Listed> {
        let mut state = self.state.lock().await;
        self.up_to_date(&mut state).await?.list(listing)
    }
}
