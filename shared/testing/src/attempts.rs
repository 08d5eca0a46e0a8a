//! The counts of tries of a [`FakeBackend`].

use std::sync::Arc;

use application::{
    mail_requests::MailRequests,
    ports::{Acquisition, Attempts, Clock as _},
    rate_limit::{RateLimiter, SignInLimiter},
};
use async_trait::async_trait;
use domain::{
    DomainEvent, Result, Timestamp,
    attempt::{AttemptCounter, AttemptKey, Limit},
};

use super::FakeBackend;

impl FakeBackend {
    /// What limits tries in this backend.
    pub fn rate_limiter(self: &Arc<Self>) -> RateLimiter {
        RateLimiter {
            attempts: self.clone(),
            env: self.env(),
        }
    }

    /// What notes requests in this backend: so many an hour for one address, and ten times as many from
    /// one place.
    pub fn mail_requests(self: &Arc<Self>, per_address: u32) -> MailRequests {
        MailRequests {
            requests: self.clone(),
            rate_limiter: self.rate_limiter(),
            per_address: Limit::hourly(per_address),
            per_client_ip: Limit::hourly(per_address.saturating_mul(10)),
            env: self.env(),
        }
    }

    /// What limits guesses in this backend: so many at one account without waiting, and ten times as
    /// many from one place.
    pub fn sign_in_limiter(self: &Arc<Self>, per_account: u32) -> SignInLimiter {
        SignInLimiter {
            rate_limiter: self.rate_limiter(),
            per_account: Limit::of_account(per_account),
            per_client_ip: Limit::of_client_ip(per_account.saturating_mul(10)),
        }
    }
}

#[derive(Debug)]
pub(super) struct Count {
    counter: AttemptCounter,
    announced: Option<Timestamp>,
}

#[async_trait]
impl Attempts for FakeBackend {
    async fn spend(&self, key: &AttemptKey, limit: &Limit) -> Result<Acquisition> {
        let now = self.now();
        self.call("attempts.spend", |state| {
            let count = state.attempts.get(key);
            let announced = count.and_then(|count| count.announced);
            match limit.spend(count.map(|count| &count.counter), now) {
                Ok(counter) => {
                    state
                        .attempts
                        .insert(key.clone(), Count { counter, announced });
                    Ok(Acquisition::Acquired)
                }
                Err(until) => Ok(Acquisition::Limited {
                    until,
                    announced: announced == Some(until),
                }),
            }
        })
        .await
    }

    async fn refund(&self, key: &AttemptKey) -> Result<()> {
        self.call("attempts.refund", |state| {
            if let Some(count) = state.attempts.get_mut(key) {
                count.counter.count = count.counter.count.saturating_sub(1);
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
