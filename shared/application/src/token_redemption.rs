//! Changes which a one-time token permits.

use std::sync::Arc;

use domain::{
    Actor, Change, Email, FirstAdmin, LoginKey, OneTimeToken, Origin, PasswordHash, Refusal,
    Result, TokenPurpose, User, attempt::AttemptKey, event::EventMetadata, token::TokenBinding,
};

use crate::{
    ports::{Env, OneTimeTokens, UserRepository},
    rate_limit::RateLimiter,
    user_updates,
};

/// Changes users who redeem a one-time token.
#[derive(Clone)]
pub struct TokenRedemption {
    pub users: Arc<dyn UserRepository>,
    /// Says whether a token is still good, or was used.
    pub tokens: Arc<dyn OneTimeTokens>,
    /// Counts repetitions.
    pub rate_limiter: RateLimiter,
    /// The address whose owner becomes the first administrator.
    pub first_admin: FirstAdmin,
    pub env: Env,
}

impl TokenRedemption {
    /// The user of the token, if it is good now.
    ///
    /// # Errors
    /// `TokenExpired` if it is not, or if the user is gone or not active.
    pub async fn check(&self, token: &OneTimeToken) -> Result<User> {
        let user = self.find(token).await?;
        let now = self.env.clock.now();
        let spend = token.spend(&binding(&user, token.purpose)?, now);
        if self.tokens.is_good(&spend).await? {
            Ok(user)
        } else {
            Err(Refusal::TokenExpired.into())
        }
    }

    /// Commits what `change` makes of the user and uses the token up: both or neither. `change` gets
    /// the password hash of the present address if the token is for another one. A user who proves the
    /// address of the first administrator while there is none becomes one, by the same change.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good, or if the user is gone or not active; `EmailTaken` if
    /// another user has the address to be claimed; and those of `change`.
    pub async fn redeem(
        &self,
        token: &OneTimeToken,
        origin: Origin,
        change: impl Fn(&User, Option<PasswordHash>, &EventMetadata) -> Result<Change> + Send + Sync,
    ) -> Result<User> {
        let origin = Origin {
            // The reader of the mail is the user.
            actor: Actor::User(token.user_id),
            ..origin
        };
        let (origin, change) = (&origin, &change);
        user_updates::commit(&*self.users, || async move {
            let user = self.find(token).await?;
            let binding = binding(&user, token.purpose)?;
            let password = self.password(&user, token.purpose).await?;
            let metadata = self.env.metadata(origin.clone())?;
            let change = change(&user, password, &metadata)?;
            let change = change.spending(token.spend(&binding, metadata.now));
            let change = self.grant_admin(&user, &binding.address, change).await?;
            Ok((user, Some(change)))
        })
        .await
    }

    /// The user who redeemed the token before: what it permits is done. The caller compares what else the
    /// request carries, which may be a guess; so each repetition is counted.
    ///
    /// # Errors
    /// `TokenExpired` if the token was not used, is not the newest or has expired since, or if the user
    /// is gone or not active; `TooManyRequests` after ten repetitions in an hour.
    pub async fn redeemed(&self, token: &OneTimeToken) -> Result<User> {
        let now = self.env.clock.now();
        if !self.tokens.is_used(token, now).await? {
            return Err(Refusal::TokenExpired.into());
        }
        let repetition = AttemptKey::of_receipt(&token.receipt());
        self.rate_limiter.acquire_repetition(repetition).await?;
        self.find(token).await
    }

    async fn find(&self, token: &OneTimeToken) -> Result<User> {
        let user = self.users.find(token.user_id).await?;
        user.filter(|user| user.active)
            .ok_or_else(|| Refusal::TokenExpired.into())
    }

    /// The hash of the password that moves to another address. A newer one comes with a newer version
    /// of the user, so an old one is never written.
    async fn password(&self, user: &User, purpose: TokenPurpose) -> Result<Option<PasswordHash>> {
        if purpose != TokenPurpose::EmailChange {
            return Ok(None);
        }
        let key = LoginKey::Email(user.email.clone());
        let login = self.users.find_login(&key).await?;
        Ok(login.and_then(|login| login.password))
    }

    async fn grant_admin(&self, user: &User, proven: &Email, change: Change) -> Result<Change> {
        let is_candidate = self.first_admin.is(proven) && !user.is_active_admin();
        Ok(if is_candidate && !self.users.has_administrator().await? {
            change.granting_admin()
        } else {
            change
        })
    }
}

/// What a token of `user` for `purpose` must be bound to.
fn binding(user: &User, purpose: TokenPurpose) -> Result<TokenBinding> {
    TokenBinding::of(user, purpose).ok_or_else(|| Refusal::TokenExpired.into())
}
