//! Address and password.

use std::sync::Arc;

use async_trait::async_trait;
use shared::{
    application::{
        ports::{Env, PasswordHasher, UserRepository},
        rate_limit::SignInLimiter,
    },
    domain::{
        Email, Login, LoginKey, Origin, Password, Refusal, Result, User, UserId, error::Causes,
    },
    lambda::http::Fields,
};

use crate::authenticate::{Authenticated, AuthenticationStrategy};

/// RFC 8176: authenticated by password.
const METHOD: &str = "pwd";

/// Knows users by address and password.
pub struct PasswordStrategy {
    /// Where users and their logins are kept.
    pub users: Arc<dyn UserRepository>,
    /// Compares passwords with hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Limits how often passwords are guessed.
    pub rate_limiter: SignInLimiter,
    /// Time and randomness.
    pub env: Env,
}

#[async_trait]
impl AuthenticationStrategy for PasswordStrategy {
    fn name(&self) -> &'static str {
        "password"
    }

    /// # Errors
    /// `InvalidCredentials` if the address is unknown, the password wrong or the account not active:
    /// the same calls are made and the same answer is given for all three. `TooManyRequests` after too
    /// many guesses, before anything is compared: the right password does not show itself then.
    async fn authenticate(&self, mut presented: Fields, origin: &Origin) -> Result<Authenticated> {
        let email = presented.parse::<Email>("email");
        let password = presented
            .text("password")
            .map(|raw| Password::presented(&raw));
        let (email, password) = presented.finish(email.zip(password))?;
        let key = LoginKey::Email(email.clone());
        let (permit, login) = tokio::try_join!(
            self.rate_limiter.spend(Some(&email), origin),
            self.users.find_login(&key)
        )?;
        let permit = match permit {
            Ok(permit) => permit,
            Err(lock) => {
                let owner = login.map(|login| login.user_id);
                return Err(self.rate_limiter.refuse(lock, owner, origin).await);
            }
        };
        let user = self.verify(login.as_ref(), &password).await?;
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

    /// Makes a hash anew that another system made, or we did at another cost: only now the password is
    /// known. That it fails is nothing to whoever signs in, who will come again.
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
            Ok(replaced) => tracing::info!(replaced, "a hash was made anew"),
            Err(error) => tracing::warn!(error = %Causes(&error), "a hash was not made anew"),
        }
    }
}

#[cfg(test)]
mod tests;
