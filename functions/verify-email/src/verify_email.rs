//! The use case: whoever reads the mail of an address proves it.

use shared::{
    application::token_redemption::Proving,
    domain::{
        Error, OneTimeToken, Origin, Refusal, Result, TokenPurpose, User, sign_up::SignUpPolicy,
    },
};

/// Proves addresses.
pub struct VerifyEmail {
    /// Whether a taken address is told.
    pub policy: SignUpPolicy,
    /// Changes users who prove an address.
    pub proving: Proving,
}

/// A proof.
#[derive(Debug)]
pub struct Command {
    /// What was in the mail.
    pub token: OneTimeToken,
    /// Who asks, and from where.
    pub origin: Origin,
}

impl VerifyEmail {
    /// Notes the present address as proven, or moves the user to the one asked for, as the token says.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good, or nothing is left to prove; `EmailTaken` if another
    /// user proved the address first, but never under the concealed policy.
    pub async fn execute(&self, command: Command) -> Result<User> {
        let Command { token, origin } = command;
        match token.purpose {
            TokenPurpose::PasswordReset => Err(Refusal::TokenExpired.into()),
            TokenPurpose::EmailVerification => {
                self.proving
                    .prove(&token, origin, |user, _, occasion| {
                        let change = user.verify_email(occasion);
                        change.ok_or_else(|| Refusal::TokenExpired.into())
                    })
                    .await
            }
            TokenPurpose::EmailChange => {
                let moved = self
                    .proving
                    .prove(&token, origin, |user, password, occasion| {
                        user.confirm_email(password, occasion)
                    })
                    .await;
                moved.map_err(|error| self.conceal(error))
            }
        }
    }

    fn conceal(&self, error: Error) -> Error {
        match error {
            Error::Refused(Refusal::EmailTaken) if self.policy == SignUpPolicy::Concealed => {
                Refusal::TokenExpired.into()
            }
            error => error,
        }
    }
}

#[cfg(test)]
mod tests;
