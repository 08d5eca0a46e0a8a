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
    /// Checks that this is the user's password. Always costs one hash.
    ///
    /// # Errors
    /// `InvalidCredentials` if it is not; `TooManyRequests` after too many guesses, whether or not this
    /// one is right.
    pub async fn verify(&self, user: &User, password: &Password, origin: &Origin) -> Result<()> {
        let key = LoginKey::Email(user.email.clone());
        let find_login = self.users.find_login(&key);
        let (permit, login) = self
            .rate_limiter
            .acquire_guess(&user.email, origin, find_login)
            .await?;
        // The address may belong to another user since the user was read.
        let hash = login
            .filter(|login| login.user_id == user.id)
            .and_then(|login| login.password);
        let (is_right, permit) = permit
            .hold(self.hasher.verify(password, hash.as_ref()))
            .await?;
        if !is_right {
            return Err(Refusal::InvalidCredentials.into());
        }
        permit.succeed().await;
        Ok(())
    }
}
