//! The use case: the reader of a mail chooses another password.

use std::sync::Arc;

use shared::{
    application::{
        ports::PasswordHasher, rate_limit::RateLimiter, token_redemption::TokenRedemption,
    },
    domain::{
        Error, LoginKey, OneTimeToken, Origin, Password, PasswordPolicy, Refusal, Result,
        TokenPurpose, User,
    },
};

pub struct ResetPassword {
    /// What passwords must satisfy.
    pub passwords: PasswordPolicy,
    pub hasher: Arc<dyn PasswordHasher>,
    /// Counts wrong guesses.
    pub rate_limiter: RateLimiter,
    /// Changes users who redeem their address.
    pub redemption: TokenRedemption,
}

/// A reset.
#[derive(Debug)]
pub struct Command {
    /// What was in the mail.
    pub token: OneTimeToken,
    /// The new password, as it was typed: the policy needs the user to judge it.
    pub password: Password,
    /// Where the command came from.
    pub origin: Origin,
}

impl ResetPassword {
    /// Gives the user the new password, which ends every session, and marks the address as verified.
    /// Wrong guesses before are forgotten, so that a locked-out user can sign in again. Nothing more
    /// happens if the token gave the user this password before.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good; `PasswordRejected` by the policy: then the token stays
    /// good; `TooManyRequests` after too many repetitions.
    pub async fn execute(&self, command: Command) -> Result<User> {
        if command.token.purpose != TokenPurpose::PasswordReset {
            return Err(Refusal::TokenExpired.into());
        }
        match self.reset(&command).await {
            Err(Error::Refused(Refusal::TokenExpired)) => self.repeat(&command).await,
            outcome => outcome,
        }
    }

    async fn reset(&self, command: &Command) -> Result<User> {
        let Command {
            token,
            password,
            origin,
        } = command;
        // First, because a caller with a bad token must not cost a hash, nor learn about the user's
        // name from the judgement of a password.
        let user = self.redemption.check(token).await?;
        let context = [user.name.as_str(), user.email.as_str()];
        let password = self
            .passwords
            .choose(password.expose(), &context)
            .map_err(Error::PasswordRejected)?;
        let hash = self.hasher.hash(password.as_password()).await?;
        // Before the token is used up: if this fails, the mail can still be used again.
        self.rate_limiter.reset(&user.email).await?;
        self.redemption
            .redeem(token, origin.clone(), |user, _, metadata| {
                Ok(user.reset_password(hash.clone(), metadata))
            })
            .await
    }

    /// The content is compared by the password that the user has now: so nothing is kept of it but its
    /// hash, and another password since then makes the repetition void.
    async fn repeat(&self, command: &Command) -> Result<User> {
        let user = self.redemption.redeemed(&command.token).await?;
        let key = LoginKey::Email(user.email.clone());
        let login = self.redemption.users.find_login(&key).await?;
        let hash = login.and_then(|login| login.password);
        let is_same = self.hasher.verify(&command.password, hash.as_ref()).await?;
        is_same
            .then_some(user)
            .ok_or_else(|| Refusal::TokenExpired.into())
    }
}

#[cfg(test)]
mod tests;
