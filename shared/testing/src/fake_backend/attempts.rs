//! The attempt counters of a [`FakeBackend`].

use application::ports::{Acquisition, Attempts, Clock as _, Lock};
use async_trait::async_trait;
use domain::{
    Result, Timestamp, UserId,
    attempt::{AttemptCounter, AttemptKey, Limit},
    sign_ins::LOCK_KEPT,
};

use super::FakeBackend;

#[derive(Debug, Clone)]
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
        let now = self.now();
        self.call("attempts.refund", |state| {
            let Some(mut count) = state.attempts.remove(key) else {
                return Ok(());
            };
            if let Some(counter) = count.counter.refunded(now) {
                count.counter = counter;
                state.attempts.insert(key.clone(), count);
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

    async fn announce(&self, key: &AttemptKey, until: Timestamp, lock: &Lock) -> Result<()> {
        self.call("attempts.announce", |state| {
            let event = &lock.event;
            let user = event.user_id.map(|user| user.to_string());
            let who = user.unwrap_or_else(|| key.subject().to_owned());
            let id = (who, key.scope(), until);
            state.locks.entry(id).or_insert_with(|| lock.clone());
            if state.locks.values().any(|known| known.event.id == event.id) {
                state.remember(event);
            }
            if let Some(count) = state.attempts.get_mut(key) {
                count.announced = Some(until);
            }
            Ok(())
        })
        .await
    }

    async fn locks(&self, user: UserId) -> Result<Vec<Lock>> {
        let since = self.now().minus(LOCK_KEPT);
        self.call("attempts.locks", |state| {
            let locks = state.locks.values();
            let kept =
                locks.filter(|lock| lock.event.user_id == Some(user) && lock.event.time > since);
            Ok(kept.cloned().collect())
        })
        .await
    }

    async fn forget_locks(&self, user: UserId) -> Result<()> {
        self.call("attempts.forget_locks", |state| {
            state
                .locks
                .retain(|_, lock| lock.event.user_id != Some(user));
            Ok(())
        })
        .await
    }
}
