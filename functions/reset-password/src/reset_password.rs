//! The use case: whoever reads the mail of an address chooses another password.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use shared::{
    application::{
        ports::PasswordHasher, rate_limit::RateLimiter, token_redemption::TokenRedemption,
    },
    domain::{
        OneTimeToken, Origin, PasswordPolicy, Refusal, Result, TokenPurpose, User, error::Violation,
    },
};

/// Resets passwords.
pub struct ResetPassword {
    /// What passwords must satisfy.
    pub passwords: PasswordPolicy,
    /// Hashes passwords.
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
    /// The new password, not judged yet: that takes the user.
    pub password: SecretString,
    /// Principal asks, and from where.
    pub origin: Origin,
}

impl ResetPassword {
    /// Gives the user the new password, which ends every session, and notes the address as proven. Wrong
    /// guesses before are forgotten: who is locked out gets in by this.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good; `Invalid` if the password does not satisfy the
    /// policy: then the token stays good.
    pub async fn execute(&self, command: Command) -> Result<User> {
        let Command {
            token,
            password,
            origin,
        } = command;
        if token.purpose != TokenPurpose::PasswordReset {
            return Err(Refusal::TokenExpired.into());
        }
        // First of all: a bad token costs no hash, and learns nothing of the user's name from what
        // is said of a password.
        let user = self.redemption.check(&token).await?;
        let context = [user.name.as_str(), user.email.as_str()];
        let password = self
            .passwords
            .choose(password.expose_secret(), &context)
            .map_err(|violation: Violation| violation.at("/newPassword"))?;
        let hash = self.hasher.hash(password.as_password()).await?;
        // Before the token is used up: if this fails, the mail can still be used again.
        self.rate_limiter.reset(&user.email).await?;
        self.redemption
            .redeem(&token, origin, |user, _, metadata| {
                Ok(user.reset_password(hash.clone(), metadata))
            })
            .await
    }
}

#[cfg(test)]
mod tests;
