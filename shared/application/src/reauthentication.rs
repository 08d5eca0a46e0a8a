//! The owner of an account proves by the password, once more, to be its owner: an access token alone
//! may be stolen.

use std::sync::Arc;

use domain::{LoginKey, Origin, Password, Refusal, Result, User};

use crate::{
    ports::{PasswordHasher, UserRepository},
    rate_limit::SignInLimiter,
};

/// Compares passwords of users who are signed in. Wrong guesses count as those at sign-in do.
pub struct Reauthentication {
    /// Where users and their logins are kept.
    pub users: Arc<dyn UserRepository>,
    /// Compares passwords with hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Limits how often passwords are guessed.
    pub rate_limiter: SignInLimiter,
}

impl Reauthentication {
    /// Checks that this is the user's password: one hash, whatever is there.
    ///
    /// # Errors
    /// `InvalidCredentials` if it is not; `TooManyRequests` if there were too many guesses, right or
    /// wrong as this one may be.
    pub async fn verify(&self, user: &User, password: &Password, origin: &Origin) -> Result<()> {
        let key = LoginKey::Email(user.email.clone());
        let (permit, login) = tokio::try_join!(
            self.rate_limiter.spend(Some(&user.email), origin),
            self.users.find_login(&key)
        )?;
        let permit = match permit {
            Ok(permit) => permit,
            Err(lock) => return Err(self.rate_limiter.refuse(lock, Some(user.id), origin).await),
        };
        // The address may have gone to somebody else since the user was read.
        let hash = login
            .filter(|login| login.user_id == user.id)
            .and_then(|login| login.password);
        if !self.hasher.verify(password, hash.as_ref()).await? {
            return Err(Refusal::InvalidCredentials.into());
        }
        permit.succeed().await;
        Ok(())
    }
}
