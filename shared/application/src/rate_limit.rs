//! Limits on how often people may try.

use std::{future::Future, sync::Arc};

use domain::{
    Email, Error, Login, Origin, Refusal, Result, Timestamp, UserId,
    attempt::{AttemptKey, Limit, Scope, sign_in_locked},
    audit::Trace,
    device::Device,
    error::Causes,
};
use futures::future::{join_all, try_join_all};

use crate::ports::{Acquisition, Attempts, Env, Lock};

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

/// Every attempt is spent; or a lockout, and the keys of which one is spent nevertheless.
type Spent<'a> = Result<(), (Lockout, Vec<&'a AttemptKey>)>;

impl RateLimiter {
    /// Spends one attempt of each key. If one has none left, the others are refunded: a locked client
    /// must not use up the attempts of others.
    ///
    /// # Errors
    /// `TooManyRequests` if one of them has none left.
    pub async fn acquire(&self, attempts: &[(AttemptKey, Limit)]) -> Result<()> {
        let Err((lockout, acquired)) = self.spend(attempts).await? else {
            return Ok(());
        };
        self.refund(acquired).await;
        Err(self.refusal(&lockout))
    }

    /// Spends one repetition of a request.
    ///
    /// # Errors
    /// `TooManyRequests` if none is left.
    pub async fn acquire_repetition(&self, key: AttemptKey) -> Result<()> {
        self.acquire(&[(key, Limit::hourly(REPETITIONS))]).await
    }

    /// Spends one attempt of each key, all at once. If one has none left, returns the first such, and
    /// the keys of the attempts that are spent nevertheless. If one cannot be counted, all are refunded.
    async fn spend<'a>(&self, attempts: &'a [(AttemptKey, Limit)]) -> Result<Spent<'a>> {
        let spent = attempts.iter();
        let spent = spent.map(|(key, limit)| self.attempts.spend(key, limit));
        let (mut acquired, mut lockout, mut failure) = (Vec::new(), None, None);
        for ((key, _), spent) in attempts.iter().zip(join_all(spent).await) {
            match spent {
                Ok(Acquisition::Acquired) => acquired.push(key),
                // Of two lockouts that of the account counts, which comes first: it is announced.
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
        if let Some(error) = failure {
            self.refund(acquired).await;
            return Err(error);
        }
        Ok(lockout.map_or(Ok(()), |lockout| Err((lockout, acquired))))
    }

    /// Refunds one attempt of each key. If that fails they stay spent, which is no reason to fail.
    async fn refund(&self, keys: impl IntoIterator<Item = &AttemptKey>) {
        let refunds = keys.into_iter().map(|key| self.attempts.refund(key));
        warn_if_failed(&try_join_all(refunds).await.map(drop));
    }

    fn refusal(&self, lockout: &Lockout) -> Error {
        Refusal::too_many(self.env.clock.now().until(lockout.until)).into()
    }
}

/// Limits of a deployment on sign-ins, and on whatever else proves who somebody is.
#[derive(Debug, Clone, Copy)]
pub struct SignInLimits {
    /// Guesses at one account from unknown devices, and from each known one.
    pub per_account: Limit,
    /// Wrong guesses from one client address.
    pub per_client_ip: Limit,
    /// Right ones of one user: each costs a hash, and most write events that are kept.
    pub per_user: Limit,
}

/// Limits how often people try to sign in.
#[derive(Clone)]
pub struct SignInLimiter {
    /// Counts attempts.
    pub rate_limiter: RateLimiter,
    pub limits: SignInLimits,
}

/// An attempt that is allowed. It stays spent unless it succeeds, or fails without a decision.
#[must_use = "an attempt that succeeds is refunded"]
pub struct AttemptPermit {
    rate_limiter: RateLimiter,
    from: Guesser,
    per_user: Limit,
}

/// Who makes an attempt, and so what it is counted for.
enum Guesser {
    /// A known device. It guesses at its own user alone, so it has no part in what its client IP has left:
    /// others who share that cannot lock it out. The user is known, so that a right guess is counted as
    /// such before anything is hashed.
    Device {
        tally: AttemptKey,
        right: AttemptKey,
    },
    /// Anybody else; without a tally if no password is guessed.
    Stranger {
        tally: Option<AttemptKey>,
        client_ip: AttemptKey,
    },
}

impl Guesser {
    /// Somebody unknown who guesses at the password of `email`.
    fn stranger(email: Option<&Email>, origin: &Origin) -> Self {
        Self::Stranger {
            tally: email.map(|email| AttemptKey::of_address(Scope::Account, email)),
            client_ip: AttemptKey::of_client_ip(Scope::Source, origin.client_ip),
        }
    }

    fn device(device: &Device) -> Self {
        Self::Device {
            tally: AttemptKey::of_device(device),
            right: AttemptKey::of_user(Scope::SignIn, device.user_id),
        }
    }

    /// What an attempt spends; of two lockouts the first counts.
    fn spends(&self, limits: &SignInLimits) -> Vec<(AttemptKey, Limit)> {
        match self {
            Self::Device { tally, right } => vec![
                (tally.clone(), limits.per_account),
                (right.clone(), limits.per_user),
            ],
            Self::Stranger { tally, client_ip } => {
                let tally = tally.clone().map(|tally| (tally, limits.per_account));
                let client_ip = (client_ip.clone(), limits.per_client_ip);
                tally.into_iter().chain([client_ip]).collect()
            }
        }
    }

    /// What an attempt that ended without a decision gets back.
    fn spent(&self) -> Vec<&AttemptKey> {
        match self {
            Self::Device { tally, right } => vec![tally, right],
            Self::Stranger { tally, client_ip } => tally.iter().chain([client_ip]).collect(),
        }
    }
}

impl SignInLimiter {
    /// Spends an attempt that is not a guess at a password.
    ///
    /// # Errors
    /// `TooManyRequests` if none is left.
    pub async fn acquire(&self, origin: &Origin) -> Result<AttemptPermit> {
        let from = Guesser::stranger(None, origin);
        self.rate_limiter
            .acquire(&from.spends(&self.limits))
            .await?;
        Ok(self.permit(from))
    }

    /// Spends a guess at the password of `email` while `find_login` reads its login. A guess from a known
    /// device of that user is in the tally of the device alone, any other in those of the address and of
    /// its client IP. The first refusal while a tally is locked is announced by an event.
    ///
    /// A guess of a stranger at a locked account stays spent for the client IP: nobody polls a lock for
    /// nothing.
    ///
    /// # Errors
    /// `TooManyRequests` if none is left, whether or not the password is right.
    pub async fn acquire_guess(
        &self,
        email: &Email,
        device: Option<&Device>,
        origin: &Origin,
        find_login: impl Future<Output = Result<Option<Login>>>,
    ) -> Result<(AttemptPermit, Option<Login>)> {
        let from = match device {
            Some(device) => Guesser::device(device),
            None => Guesser::stranger(Some(email), origin),
        };
        let guesses = from.spends(&self.limits);
        let (spent, login) = tokio::join!(self.rate_limiter.spend(&guesses), find_login);
        match spent? {
            Ok(()) => {
                let (login, permit) = self.permit(from).hold(async { login }).await?;
                Ok((permit, login))
            }
            Err((lockout, mut acquired)) => {
                acquired.retain(|key| key.scope() != Scope::Source);
                self.rate_limiter.refund(acquired).await;
                let owner = login?.map(|login| login.user_id);
                self.announce(&lockout, owner, origin).await?;
                Err(self.rate_limiter.refusal(&lockout))
            }
        }
    }

    fn permit(&self, from: Guesser) -> AttemptPermit {
        AttemptPermit {
            rate_limiter: self.rate_limiter.clone(),
            from,
            per_user: self.limits.per_user,
        }
    }

    async fn announce(
        &self,
        lockout: &Lockout,
        owner: Option<UserId>,
        origin: &Origin,
    ) -> Result<()> {
        let is_tally = matches!(lockout.key.scope(), Scope::Account | Scope::Device);
        if lockout.announced || !is_tally {
            return Ok(());
        }
        let metadata = self.rate_limiter.env.metadata(origin.clone())?;
        let lock = Lock {
            event: sign_in_locked(owner, &metadata),
            from: Trace::of(origin),
        };
        let attempts = &self.rate_limiter.attempts;
        attempts.announce(&lockout.key, lockout.until, &lock).await
    }
}

impl AttemptPermit {
    /// Runs a part of the attempt. If it ends without a decision, because something failed or did not
    /// answer, the attempt is refunded: it says nothing about the guess. If the guess was wrong, the
    /// attempt stays spent, and does not count as a right one. So it does if the deadline of the request
    /// cuts `part` off.
    ///
    /// # Errors
    /// Those of `part`.
    pub async fn hold<T>(self, part: impl Future<Output = Result<T>>) -> Result<(T, Self)> {
        match part.await {
            Ok(value) => Ok((value, self)),
            Err(error) => {
                let refunded = match &self.from {
                    from if !error.is_decision() => from.spent(),
                    Guesser::Device { right, .. } => vec![right],
                    Guesser::Stranger { .. } => Vec::new(),
                };
                self.rate_limiter.refund(refunded).await;
                Err(error)
            }
        }
    }

    /// The guess was right: it counts for `user`, and then there is `work`. The wrong guesses from the same
    /// known device are forgotten. Those from unknown devices are not, only this one is refunded: strangers
    /// must not see in their own count that the owner came by. Neither are those from the same client IP:
    /// otherwise an attacker could use their own account to guess at others without limit.
    ///
    /// # Errors
    /// `TooManyRequests` if the user was right too often. The guess stays spent for its client IP then: it
    /// took a hash. And those of `work`.
    pub async fn succeed<T>(
        self,
        user: UserId,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let limiter = &self.rate_limiter;
        if let Guesser::Device { tally, .. } = &self.from {
            let forget = async { warn_if_failed(&limiter.attempts.clear(tally).await) };
            return tokio::join!(work, forget).0;
        }
        let mut refunded = self.from.spent();
        let right = [(AttemptKey::of_user(Scope::SignIn, user), self.per_user)];
        if let Err(error) = limiter.acquire(&right).await {
            if error.is_decision() {
                refunded.retain(|key| key.scope() != Scope::Source);
            }
            limiter.refund(refunded).await;
            return Err(error);
        }
        tokio::join!(work, limiter.refund(refunded)).0
    }
}

fn warn_if_failed(refunded: &Result<()>) {
    if let Err(error) = refunded {
        tracing::warn!(error = %Causes(error), "an attempt stays spent");
    }
}
