//! Limits on how often people may try.

use std::{sync::Arc, time::Duration};

use domain::{
    Email, Error, Origin, Refusal, Result, Timestamp, UserId,
    attempt::{AttemptKey, Limit, Scope, sign_in_locked},
};
use futures::future::try_join_all;

use crate::ports::{Acquisition, Attempts, Env};

/// Spends tries.
#[derive(Clone)]
pub struct RateLimiter {
    /// Where tries are counted.
    pub attempts: Arc<dyn Attempts>,
    /// Time and randomness.
    pub env: Env,
}

/// Somebody who has no try left.
#[derive(Debug)]
pub struct Lockout {
    key: AttemptKey,
    until: Timestamp,
    announced: bool,
}

impl RateLimiter {
    /// Spends one try of each, all at once. If there is none of one, those of the others are given
    /// back, lest a place that is locked itself spend what others have. Gives the lock then.
    pub async fn spend(&self, tries: &[(AttemptKey, Limit)]) -> Result<Option<Lockout>> {
        let spent = tries.iter();
        let spent = spent.map(|(key, limit)| self.attempts.spend(key, limit));
        let mut lock = None;
        let mut admitted = Vec::new();
        for ((key, _), spent) in tries.iter().zip(try_join_all(spent).await?) {
            match spent {
                Acquisition::Acquired => admitted.push(self.attempts.refund(key)),
                // Of two locks that of the account comes first: it has more to tell.
                Acquisition::Limited { until, announced } if lock.is_none() => {
                    let key = key.clone();
                    lock = Some(Lockout {
                        key,
                        until,
                        announced,
                    });
                }
                Acquisition::Limited { .. } => {}
            }
        }
        if lock.is_some() {
            try_join_all(admitted).await?;
        }
        Ok(lock)
    }

    /// Spends one try of each.
    ///
    /// # Errors
    /// `TooManyRequests` if there is none.
    pub async fn acquire(&self, tries: &[(AttemptKey, Limit)]) -> Result<()> {
        let lock = self.spend(tries).await?;
        lock.map_or(Ok(()), |lock| Err(self.refusal(&lock)))
    }

    /// Forgets the wrong guesses at an account whose owner proved otherwise who they are.
    pub async fn reset(&self, email: &Email) -> Result<()> {
        let account = AttemptKey::of_address(Scope::Account, email);
        self.attempts.clear(&account).await
    }

    fn refusal(&self, lock: &Lockout) -> Error {
        let wait = self.env.clock.now().until(lock.until);
        // Rounded up: who comes back when told to must not be too early.
        let wait = wait.saturating_add(Duration::from_millis(999));
        Refusal::TooManyRequests(wait).into()
    }
}

/// Limits how often people try to sign in.
#[derive(Clone)]
pub struct SignInLimiter {
    /// Spends tries.
    pub rate_limiter: RateLimiter,
    /// Guesses at one account.
    pub per_account: Limit,
    /// Wrong guesses from one place.
    pub per_client_ip: Limit,
}

/// A guess that is allowed. It stays spent unless it turns out right.
#[must_use = "a right guess is given back"]
pub struct AttemptPermit {
    rate_limiter: RateLimiter,
    account: Option<AttemptKey>,
    source: AttemptKey,
}

impl SignInLimiter {
    /// Spends a permit, before anything is compared: at the password of `email`, if it is one at a
    /// password.
    ///
    /// # Errors
    /// The lock, if there is no guess left.
    pub async fn spend(
        &self,
        email: Option<&Email>,
        origin: &Origin,
    ) -> Result<Result<AttemptPermit, Lockout>> {
        let account = email.map(|email| AttemptKey::of_address(Scope::Account, email));
        let source = AttemptKey::of_client_ip(Scope::Source, origin.client_ip);
        let of_account = account.clone().map(|key| (key, self.per_account));
        let of_client_ip = (source.clone(), self.per_client_ip);
        let tries: Vec<_> = of_account.into_iter().chain([of_client_ip]).collect();
        Ok(match self.rate_limiter.spend(&tries).await? {
            Some(lock) => Err(lock),
            None => Ok(AttemptPermit {
                rate_limiter: self.rate_limiter.clone(),
                account,
                source,
            }),
        })
    }

    /// The answer to whoever has no guess left, right or wrong as it may be. The first who gets it
    /// while an account is locked is told of by an event; `user` is whose account it is, if it is one.
    pub async fn refuse(&self, lock: Lockout, user: Option<UserId>, origin: &Origin) -> Error {
        match self.announce(&lock, user, origin).await {
            Ok(()) => self.rate_limiter.refusal(&lock),
            Err(error) => error,
        }
    }

    async fn announce(&self, lock: &Lockout, user: Option<UserId>, origin: &Origin) -> Result<()> {
        if lock.announced || lock.key.scope() != Scope::Account {
            return Ok(());
        }
        let metadata = self.rate_limiter.env.metadata(origin.clone())?;
        let event = sign_in_locked(user, &metadata);
        let attempts = &self.rate_limiter.attempts;
        attempts.announce(&lock.key, lock.until, &event).await
    }
}

impl AttemptPermit {
    /// It was right: the account's wrong ones before are forgotten, but of those from the same place
    /// only this, lest one's own account be the way to guess at others without end.
    pub async fn succeed(self) {
        let attempts = &self.rate_limiter.attempts;
        let forgiven = async {
            match &self.account {
                Some(account) => attempts.clear(account).await,
                None => Ok(()),
            }
        };
        told(tokio::try_join!(forgiven, attempts.refund(&self.source)).map(drop));
    }

    /// Nobody could tell whether it was right.
    pub async fn refund(self) {
        let spent = self.account.iter().chain([&self.source]);
        let given = spent.map(|key| self.rate_limiter.attempts.refund(key));
        told(try_join_all(given).await.map(drop));
    }
}

/// A guess that stays spent is no reason to turn its owner away.
fn told(released: Result<()>) {
    if let Err(error) = released {
        tracing::warn!(%error, "a guess stays spent that should not");
    }
}
