//! The counts of tries of a [`World`].

use async_trait::async_trait;

use super::World;
use crate::{
    domain::{
        DomainEvent, Result, Timestamp,
        attempt::{AttemptKey, Limit, Tally},
    },
    ports::{Attempts, Clock as _, Spent},
};

#[derive(Debug)]
pub(super) struct Count {
    tally: Tally,
    announced: Option<Timestamp>,
}

#[async_trait]
impl Attempts for World {
    async fn spend(&self, key: &AttemptKey, limit: &Limit) -> Result<Spent> {
        let now = self.now();
        self.call("attempts.spend", |state| {
            let count = state.attempts.get(key);
            let announced = count.and_then(|count| count.announced);
            match limit.spend(count.map(|count| &count.tally), now) {
                Ok(tally) => {
                    state.attempts.insert(key.clone(), Count { tally, announced });
                    Ok(Spent::Admitted)
                }
                Err(until) => Ok(Spent::Refused {
                    until,
                    announced: announced == Some(until),
                }),
            }
        })
        .await
    }

    async fn give_back(&self, key: &AttemptKey) -> Result<()> {
        self.call("attempts.give_back", |state| {
            if let Some(count) = state.attempts.get_mut(key) {
                count.tally.count = count.tally.count.saturating_sub(1);
            }
            Ok(())
        })
        .await
    }

    async fn clear(&self, key: &AttemptKey) -> Result<()> {
        self.call("attempts.clear", |state| {
            state.attempts.remove(key);
            Ok(())
        })
        .await
    }

    async fn announce(
        &self,
        key: &AttemptKey,
        until: Timestamp,
        event: &DomainEvent,
    ) -> Result<()> {
        self.call("attempts.announce", |state| {
            let count = state.attempts.get_mut(key);
            if let Some(count) = count.filter(|count| count.announced != Some(until)) {
                count.announced = Some(until);
                state.remember(event);
            }
            Ok(())
        })
        .await
    }
}
