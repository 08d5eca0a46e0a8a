//! Address and password.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Email, Login, LoginKey, Origin, Password, Refusal, Result, User, UserId, error::Causes,
};

use super::{Authenticated, AuthenticationStrategy};
use crate::{
    ports::{Env, PasswordHasher, UserRepository},
    rate_limit::SignInLimiter,
};

/// RFC 8176: authenticated by password.
const METHOD: &str = "pwd";

/// Address and password.
#[derive(Debug)]
pub struct PasswordCredentials {
    /// The address.
    pub email: Email,
    /// The password, as it was typed.
    pub password: Password,
}

/// Knows users by address and password.
pub struct PasswordStrategy {
    /// Where users and their logins are kept.
    pub users: Arc<dyn UserRepository>,
    /// Compares passwords with hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Limits how often passwords are guessed.
    pub rate_limiter: SignInLimiter,
    pub env: Env,
}

#[async_trait]
impl AuthenticationStrategy<PasswordCredentials> for PasswordStrategy {
    /// # Errors
    /// `InvalidCredentials` if the address is unknown, the password wrong or the account not active:
    /// the same calls are made and the same answer is given for all three. `TooManyRequests` after too
    /// many guesses, before anything is compared: the right password does not show itself then.
    async fn authenticate(
        &self,
        credentials: PasswordCredentials,
        origin: &Origin,
    ) -> Result<Authenticated> {
        let PasswordCredentials { email, password } = credentials;
        let key = LoginKey::Email(email.clone());
        let find_login = self.users.find_login(&key);
        let guess = self.rate_limiter.acquire_guess(&email, origin, find_login);
        let (permit, login) = guess.await?;
        let (user, permit) = permit.hold(self.verify(login.as_ref(), &password)).await?;
        if let Some(login) = &login {
            self.upgrade(login, &password).await;
        }
        Ok(Authenticated {
            user,
            method: METHOD,
            permit,
        })
    }
}

impl PasswordStrategy {
    /// The user whose password this is. An unknown address costs the same read and the same hash.
    async fn verify(&self, login: Option<&Login>, password: &Password) -> Result<User> {
        let id = match login {
            Some(login) => login.user_id,
            None => UserId::new(self.env.clock.now(), self.env.random.bytes()?),
        };
        let hash = login.and_then(|login| login.password.as_ref());
        let (user, authenticated) =
            tokio::try_join!(self.users.find(id), self.hasher.verify(password, hash))?;
        user.filter(|user| authenticated && user.active)
            .ok_or_else(|| Refusal::InvalidCredentials.into())
    }

    /// Replaces a hash that another system made, or that has another cost: only now the password is
    /// known. If that fails, the next sign-in tries again.
    async fn upgrade(&self, login: &Login, password: &Password) {
        let is_current = |hash| self.hasher.is_current(hash);
        if login.password.as_ref().is_none_or(is_current) {
            return;
        }
        let replaced = async {
            let fresh = self.hasher.hash(password).await?;
            self.users.rehash(login, &fresh).await
        };
        match replaced.await {
            Ok(replaced) => tracing::info!(replaced, "a hash was replaced"),
            Err(error) => tracing::warn!(error = %Causes(&error), "a hash was not replaced"),
        }
    }
}
