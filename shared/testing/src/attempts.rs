//! The counts of tries of a [`World`].

use std::sync::Arc;

use application::{
    mail_requests::Asking,
    ports::{Attempts, Clock as _, Spent},
    rate_limit::{SignInThrottle, Throttle},
};
use async_trait::async_trait;
use domain::{
    DomainEvent, Result, Timestamp,
    attempt::{AttemptKey, Limit, Tally},
};

use super::World;

impl World {
    /// What limits tries in this world.
    pub fn throttle(self: &Arc<Self>) -> Throttle {
        Throttle {
            attempts: self.clone(),
            circumstances: self.circumstances(),
        }
    }

    /// What notes wishes in this world: so many an hour for one address, and ten times as many from
    /// one place.
    pub fn asking(self: &Arc<Self>, per_address: u32) -> Asking {
        Asking {
            requests: self.clone(),
            throttle: self.throttle(),
            per_address: Limit::hourly(per_address),
            per_source: Limit::hourly(per_address.saturating_mul(10)),
            circumstances: self.circumstances(),
        }
    }

    /// What limits guesses in this world: so many at one account without waiting, and ten times as
    /// many from one place.
    pub fn sign_in_throttle(self: &Arc<Self>, per_account: u32) -> SignInThrottle {
        SignInThrottle {
            throttle: self.throttle(),
            per_account: Limit::of_account(per_account),
            per_source: Limit::of_source(per_account.saturating_mul(10)),
        }
    }
}

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
                    state
                        .attempts
                        .insert(key.clone(), Count { tally, announced });
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
