//! The owner of an account proves by the password, once more, to be its owner: an access token alone
//! may be stolen.

use std::sync::Arc;

use domain::{Email, Login, LoginKey, Origin, Password, PasswordHash, Refusal, Result, User};

use crate::{
    ports::{PasswordHasher, UserRepository},
    rate_limit::SignInLimiter,
    token_redemption::WaitingSignUp,
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
        // The address may belong to another user since the user was read.
        let hash = |login: Option<Login>| {
            let own = login.filter(|login| login.user_id == user.id);
            own.and_then(|login| login.password)
        };
        self.guess(&user.email, password, origin, find_login, hash)
            .await
    }

    /// Checks that this is the password which a sign-up that waits has chosen.
    ///
    /// # Errors
    /// As [`Reauthentication::verify`].
    pub async fn verify_sign_up(
        &self,
        waiting: &WaitingSignUp,
        password: &Password,
        origin: &Origin,
    ) -> Result<()> {
        let hash = |_| Some(waiting.sign_up.password.clone());
        let no_login = async { Ok(None) };
        self.guess(&waiting.email, password, origin, no_login, hash)
            .await
    }

    async fn guess(
        &self,
        email: &Email,
        password: &Password,
        origin: &Origin,
        find_login: impl Future<Output = Result<Option<Login>>>,
        hash: impl FnOnce(Option<Login>) -> Option<PasswordHash>,
    ) -> Result<()> {
        let (permit, login) = self
            .rate_limiter
            .acquire_guess(email, origin, find_login)
            .await?;
        let hash = hash(login);
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
