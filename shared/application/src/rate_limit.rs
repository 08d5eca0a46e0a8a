//! Limits on how often people may try.

use std::{future::Future, sync::Arc, time::Duration};

use domain::{
    Email, Error, Login, Origin, Refusal, Result, Timestamp, UserId,
    attempt::{AttemptKey, Limit, Scope, sign_in_locked},
    error::Causes,
};
use futures::future::{join_all, try_join_all};

use crate::ports::{Acquisition, Attempts, Env};

/// Repetitions of one request in an hour. They may carry a guess at what the request carried.
const REPETITIONS: u32 = 10;

/// Counts attempts.
#[derive(Clone)]
pub struct RateLimiter {
    /// Where attempts are counted.
    pub attempts: Arc<dyn Attempts>,
    pub env: Env,
}

/// No attempt is left.
#[derive(Debug)]
struct Lockout {
    key: AttemptKey,
    until: Timestamp,
    announced: bool,
}

impl RateLimiter {
    /// Spends one attempt of each key.
    ///
    /// # Errors
    /// `TooManyRequests` if one of them has none left.
    pub async fn acquire(&self, attempts: &[(AttemptKey, Limit)]) -> Result<()> {
        let spent = self.spend(attempts).await?;
        spent.map_err(|lockout| self.refusal(&lockout))
    }

    /// Spends one repetition of a request.
    ///
    /// # Errors
    /// `TooManyRequests` if none is left.
    pub async fn acquire_repetition(&self, key: AttemptKey) -> Result<()> {
        self.acquire(&[(key, Limit::hourly(REPETITIONS))]).await
    }

    /// Forgets the wrong guesses at an account whose owner proved their identity in another way.
    pub async fn reset(&self, email: &Email) -> Result<()> {
        let account = AttemptKey::of_address(Scope::Account, email);
        self.attempts.clear(&account).await
    }

    /// Spends one attempt of each key, all at once. If one has none left, or cannot be counted, the
    /// others are refunded: a locked client must not use up the attempts of others.
    async fn spend(&self, attempts: &[(AttemptKey, Limit)]) -> Result<Result<(), Lockout>> {
        let spent = attempts.iter();
        let spent = spent.map(|(key, limit)| self.attempts.spend(key, limit));
        let (mut acquired, mut lockout, mut failure) = (Vec::new(), None, None);
        for ((key, _), spent) in attempts.iter().zip(join_all(spent).await) {
            match spent {
                Ok(Acquisition::Acquired) => acquired.push(key),
                // Of two lockouts the first counts, which is that of the account: it is announced.
                Ok(Acquisition::Limited { until, announced }) => {
                    let key = key.clone();
                    lockout.get_or_insert(Lockout {
                        key,
                        until,
                        announced,
                    });
                }
                Err(error) => failure = Some(error),
            }
        }
        if lockout.is_some() || failure.is_some() {
            self.refund(acquired).await;
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(lockout.map_or(Ok(()), Err)),
        }
    }

    /// Refunds one attempt of each key. If that fails they stay spent, which is no reason to fail.
    async fn refund(&self, keys: impl IntoIterator<Item = &AttemptKey>) {
        let refunds = keys.into_iter().map(|key| self.attempts.refund(key));
        warn_if_failed(&try_join_all(refunds).await.map(drop));
    }

    fn refusal(&self, lockout: &Lockout) -> Error {
        let wait = self.env.clock.now().until(lockout.until);
        // Rounded up: a client that obeys `Retry-After` must not be too early.
        let wait = wait.saturating_add(Duration::from_millis(999));
        Refusal::TooManyRequests(wait).into()
    }
}

/// Limits how often people try to sign in.
#[derive(Clone)]
pub struct SignInLimiter {
    /// Counts attempts.
    pub rate_limiter: RateLimiter,
    /// Guesses at one account.
    pub per_account: Limit,
    /// Wrong guesses from one client address.
    pub per_client_ip: Limit,
}

/// An attempt that is allowed. It stays spent unless it succeeds, or fails without a decision.
#[must_use = "an attempt that succeeds is refunded"]
pub struct AttemptPermit {
    rate_limiter: RateLimiter,
    account: Option<AttemptKey>,
    client_ip: AttemptKey,
}

impl SignInLimiter {
    /// Spends an attempt that is not a guess at a password.
    ///
    /// # Errors
    /// `TooManyRequests` if none is left.
    pub async fn acquire(&self, origin: &Origin) -> Result<AttemptPermit> {
        let permit = self.permit(None, origin);
        let client_ip = (permit.client_ip.clone(), self.per_client_ip);
        self.rate_limiter.acquire(&[client_ip]).await?;
        Ok(permit)
    }

    /// Spends a guess at the password of `email` while `find_login` reads its login. The first refusal
    /// while an account is locked is announced by an event.
    ///
    /// # Errors
    /// `TooManyRequests` if none is left, whether or not the password is right.
    pub async fn acquire_guess(
        &self,
        email: &Email,
        origin: &Origin,
        find_login: impl Future<Output = Result<Option<Login>>>,
    ) -> Result<(AttemptPermit, Option<Login>)> {
        let account = AttemptKey::of_address(Scope::Account, email);
        let permit = self.permit(Some(account.clone()), origin);
        let guesses = [
            (account, self.per_account),
            (permit.client_ip.clone(), self.per_client_ip),
        ];
        let (spent, login) = tokio::join!(self.rate_limiter.spend(&guesses), find_login);
        match spent? {
            Ok(()) => {
                let (login, permit) = permit.hold(async { login }).await?;
                Ok((permit, login))
            }
            Err(lockout) => {
                let owner = login?.map(|login| login.user_id);
                self.announce(&lockout, owner, origin).await?;
                Err(self.rate_limiter.refusal(&lockout))
            }
        }
    }

    fn permit(&self, account: Option<AttemptKey>, origin: &Origin) -> AttemptPermit {
        AttemptPermit {
            rate_limiter: self.rate_limiter.clone(),
            account,
            client_ip: AttemptKey::of_client_ip(Scope::Source, origin.client_ip),
        }
    }

    async fn announce(
        &self,
        lockout: &Lockout,
        owner: Option<UserId>,
        origin: &Origin,
    ) -> Result<()> {
        if lockout.announced || lockout.key.scope() != Scope::Account {
            return Ok(());
        }
        let metadata = self.rate_limiter.env.metadata(origin.clone())?;
        let event = sign_in_locked(owner, &metadata);
        let attempts = &self.rate_limiter.attempts;
        attempts.announce(&lockout.key, lockout.until, &event).await
    }
}

impl AttemptPermit {
    /// Runs a part of the attempt. If it ends without a decision, because something failed or did not
    /// answer, the attempt is refunded: it says nothing about the guess. If the guess was wrong, the
    /// attempt stays spent. So it does if the deadline of the request cuts `part` off.
    ///
    /// # Errors
    /// Those of `part`.
    pub async fn hold<T>(self, part: impl Future<Output = Result<T>>) -> Result<(T, Self)> {
        match part.await {
            Ok(value) => Ok((value, self)),
            Err(error) => {
                if !error.is_decision() {
                    let spent = self.account.iter().chain([&self.client_ip]);
                    self.rate_limiter.refund(spent).await;
                }
                Err(error)
            }
        }
    }

    /// The guess was right: the wrong guesses at the account before are forgotten. Of those from the
    /// same client address only this one is refunded; otherwise an attacker could use their own account
    /// to guess at others without limit.
    pub async fn succeed(self) {
        let attempts = &self.rate_limiter.attempts;
        let forget = async {
            match &self.account {
                Some(account) => attempts.clear(account).await,
                None => Ok(()),
            }
        };
        let refund = attempts.refund(&self.client_ip);
        warn_if_failed(&tokio::try_join!(forget, refund).map(drop));
    }
}

fn warn_if_failed(refunded: &Result<()>) {
    if let Err(error) = refunded {
        tracing::warn!(error = %Causes(error), "an attempt stays spent");
    }
}
