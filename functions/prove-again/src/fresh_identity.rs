//! OpenID Connect: the user signed in at a provider just now.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use shared::{
    application::{
        ports::{Clock, IdentityProviders, UserRepository},
        rate_limit::SignInLimiter,
        sign_in::{Authenticated, AuthenticationStrategy, FEDERATED, user_with_login},
    },
    domain::{Origin, Refusal, Result, Timestamp, User, identity::Authorization},
};

/// How old a sign-in at a provider may be: time for the way back and for clocks that differ. A client
/// asks for a new one by `max_age=0`.
pub const FRESH: Duration = Duration::from_mins(5);

/// How far in the future it may be: the clock of a provider may be ahead.
pub const AHEAD: Duration = Duration::from_secs(30);

/// Knows users by identities that are linked already, if they signed in at the provider just now.
pub struct FreshIdentity {
    pub providers: Arc<dyn IdentityProviders>,
    pub rate_limiter: SignInLimiter,
    pub users: Arc<dyn UserRepository>,
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl AuthenticationStrategy<Authorization> for FreshIdentity {
    /// # Errors
    /// `InvalidCredentials` if the provider does not accept the code, the sign-in there was not just now,
    /// the identity is nobody's, or its user may not sign in; `TooManyRequests` after too many wrong
    /// codes from one client address; `ProviderUnavailable`.
    async fn authenticate(
        &self,
        authorization: Authorization,
        origin: &Origin,
    ) -> Result<Authenticated> {
        let permit = self.rate_limiter.acquire(origin).await?;
        let (user, permit) = permit.hold(self.redeem(&authorization)).await?;
        Ok(Authenticated {
            user,
            method: FEDERATED,
            permit,
        })
    }
}

impl FreshIdentity {
    async fn redeem(&self, authorization: &Authorization) -> Result<User> {
        let external = self.providers.redeem(authorization).await?;
        let now = self.clock.now();
        let is_just_now = |time: Timestamp| time.plus(FRESH) > now && time <= now.plus(AHEAD);
        if !external.auth_time.is_some_and(is_just_now) {
            tracing::warn!(
                "a sign-in at a provider is not fresh: did the client ask by `max_age=0`?"
            );
            return Err(Refusal::InvalidCredentials.into());
        }
        let user = user_with_login(self.users.as_ref(), &external.identity).await?;
        user.filter(|user| user.active)
            .ok_or_else(|| Refusal::InvalidCredentials.into())
    }
}
