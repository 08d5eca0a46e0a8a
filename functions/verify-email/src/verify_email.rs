//! The use case: the reader of a mail proves its address.

use shared::{
    application::token_redemption::TokenRedemption,
    domain::{
        Error, OneTimeToken, Origin, Refusal, Result, TokenPurpose, User, sign_up::SignUpPolicy,
    },
};

use crate::accept_invitation::AcceptInvitation;

/// Proves addresses.
pub struct VerifyEmail {
    /// Decides whether a taken address is answered by 409.
    pub policy: SignUpPolicy,
    /// Changes users who prove an address.
    pub redemption: TokenRedemption,
    /// Gives invited users their password.
    pub accept: AcceptInvitation,
}

/// A proof.
#[derive(Debug)]
pub struct Command {
    /// What was in the mail.
    pub token: OneTimeToken,
    /// Who sends the command, and from where.
    pub origin: Origin,
}

impl VerifyEmail {
    /// Notes the present address as proven, or moves the user to the one asked for, as the token says.
    /// Nothing more happens if the token did that before.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good, or nothing is left to redeem; `EmailTaken` if another
    /// user proved the address first, but never under the concealed policy; `TooManyRequests` after too
    /// many repetitions.
    pub async fn execute(&self, command: Command) -> Result<User> {
        let Command { token, origin } = command;
        match self.redeem(&token, origin).await {
            Err(Error::Refused(Refusal::TokenExpired))
                if matches!(
                    token.purpose,
                    TokenPurpose::EmailVerification | TokenPurpose::EmailChange
                ) =>
            {
                self.redemption.redeemed(&token).await
            }
            outcome => outcome,
        }
    }

    async fn redeem(&self, token: &OneTimeToken, origin: Origin) -> Result<User> {
        match token.purpose {
            TokenPurpose::PasswordReset | TokenPurpose::SignUp | TokenPurpose::Invitation => {
                Err(Refusal::TokenExpired.into())
            }
            TokenPurpose::EmailVerification => {
                self.redemption
                    .redeem(token, origin, |user, _, metadata| {
                        let change = user.verify_email(metadata);
                        change.ok_or_else(|| Refusal::TokenExpired.into())
                    })
                    .await
            }
            TokenPurpose::EmailChange => {
                let moved = self
                    .redemption
                    .redeem(token, origin, |user, password, metadata| {
                        user.confirm_email(password, metadata)
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
