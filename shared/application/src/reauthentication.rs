//! The owner of an account proves by the password, once more, to be its owner: an access token alone
//! may be stolen.

use std::sync::Arc;

use domain::{LoginKey, Origin, Password, Refusal, Result, User, UserId, device::Device};

use crate::{
    ports::{PasswordHasher, UserRepository},
    rate_limit::{AttemptPermit, SignInLimiter},
    token_redemption::WaitingSignUp,
};

/// Compares passwords of users who are signed in, or who hold a link. Both guess from a known device: no
/// stranger can use up these guesses.
pub struct Reauthentication {
    /// Where users and their logins are kept.
    pub users: Arc<dyn UserRepository>,
    /// Compares passwords with hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Limits how often passwords are guessed.
    pub rate_limiter: SignInLimiter,
}

impl Reauthentication {
    /// Checks that this is the user's password. Always costs one hash. A guess counts for `device`, the
    /// session or the link that asks; without one, for the account.
    ///
    /// # Errors
    /// `InvalidCredentials` if it is not; `TooManyRequests` after too many guesses from there,
    /// whether or not this one is right, or too many right ones; `VersionConflict` if the password changed
    /// since `user` was read.
    pub async fn verify(
        &self,
        user: &User,
        device: Option<Device>,
        password: &Password,
        origin: &Origin,
    ) -> Result<()> {
        let key = LoginKey::Email(user.email.clone());
        let find_login = self.users.find_login(&key);
        let (permit, login) = self
            .rate_limiter
            .acquire_guess(&user.email, device.as_ref(), origin, find_login)
            .await?;
        // The address may belong to another user since the user was read.
        let login = login.filter(|login| login.user_id == user.id);
        let verify = async {
            if login.as_ref().is_some_and(|login| !login.is_of(Some(user))) {
                return Err(Refusal::VersionConflict.into());
            }
            let hash = login.and_then(|login| login.password);
            self.hasher.verify(password, hash.as_ref()).await
        };
        settle(permit, user.id, verify).await
    }

    /// Checks that this is the password which a sign-up that waits has chosen, of which somebody holds the
    /// link.
    ///
    /// # Errors
    /// `InvalidCredentials`, `TooManyRequests`.
    pub async fn verify_sign_up(
        &self,
        waiting: &WaitingSignUp,
        password: &Password,
        origin: &Origin,
    ) -> Result<()> {
        let no_login = async { Ok(None) };
        let user_id = waiting.sign_up.user_id;
        let device = Device::of_links(user_id);
        let (permit, _) = self
            .rate_limiter
            .acquire_guess(&waiting.email, Some(&device), origin, no_login)
            .await?;
        let hash = Some(&waiting.sign_up.password);
        settle(permit, user_id, self.hasher.verify(password, hash)).await
    }
}

/// Ends a guess: it is refunded if it was right, and counts for the user.
async fn settle(
    permit: AttemptPermit,
    user: UserId,
    verify: impl Future<Output = Result<bool>>,
) -> Result<()> {
    let verify = async {
        let is_right = verify.await?;
        is_right
            .then_some(())
            .ok_or(Refusal::InvalidCredentials.into())
    };
    let ((), permit) = permit.hold(verify).await?;
    permit.succeed(user, async { Ok(()) }).await
}
