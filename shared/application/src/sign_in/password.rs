//! Address and password.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Email, Login, LoginKey, Origin, Password, Refusal, Result, User, UserId, device::Device,
    error::Causes,
};

use super::{Authenticated, AuthenticationStrategy, LOOKS};
use crate::{
    devices::{DeviceProof, Devices},
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
    /// Says from which device; if it is known, strangers cannot lock it out.
    pub device: Option<DeviceProof>,
}

/// Knows users by address and password.
pub struct PasswordStrategy {
    /// Where users and their logins are kept.
    pub users: Arc<dyn UserRepository>,
    /// Compares passwords with hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Limits how often passwords are guessed.
    pub rate_limiter: SignInLimiter,
    pub devices: Arc<Devices>,
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
        let PasswordCredentials {
            email,
            password,
            device,
        } = credentials;
        let device = self.recognize(device.as_ref(), &email).await?;
        let key = LoginKey::Email(email.clone());
        let find_login = self.users.find_login(&key);
        let guess = self
            .rate_limiter
            .acquire_guess(&email, device.as_ref(), origin, find_login);
        let (permit, login) = guess.await?;
        let verified = self.verify(&key, login, &password);
        let ((user, login), permit) = permit.hold(verified).await?;
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
    async fn recognize(
        &self,
        proof: Option<&DeviceProof>,
        email: &Email,
    ) -> Result<Option<Device>> {
        match proof {
            Some(proof) => self.devices.recognize(proof, email).await,
            None => Ok(None),
        }
    }

    /// The user whose password this is, and the login from which that is known. An unknown address costs
    /// the same read and the same hash.
    ///
    /// # Errors
    /// `InvalidCredentials`; `Unavailable` if the password changes all the time.
    async fn verify(
        &self,
        key: &LoginKey,
        mut login: Option<Login>,
        password: &Password,
    ) -> Result<(User, Option<Login>)> {
        for _ in 0..LOOKS {
            let id = match &login {
                Some(login) => login.user_id,
                None => UserId::new(self.env.clock.now(), self.env.random.bytes()?),
            };
            let hash = login.as_ref().and_then(|login| login.password.as_ref());
            let (user, authenticated) =
                tokio::try_join!(self.users.find(id), self.hasher.verify(password, hash))?;
            if login
                .as_ref()
                .is_none_or(|login| login.is_of(user.as_ref()))
            {
                let user = user.filter(|user| authenticated && user.active);
                let user = user.ok_or(Refusal::InvalidCredentials)?;
                return Ok((user, login));
            }
            login = self.users.find_login(key).await?;
        }
        Err(Refusal::Unavailable(Duration::from_secs(1)).into())
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
