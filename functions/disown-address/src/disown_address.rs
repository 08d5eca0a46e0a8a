//! The use case: the reader of a mail says that the account is not theirs.

use shared::{
    application::token_redemption::{Subject, TokenRedemption},
    domain::{OneTimeToken, Origin, Refusal, Result, TokenPurpose, User, user::Standing},
};

/// Frees addresses of accounts which their owners did not ask for.
pub struct DisownAddress {
    pub redemption: TokenRedemption,
}

/// An objection.
#[derive(Debug)]
pub struct Command {
    /// What was in the mail.
    pub token: OneTimeToken,
    /// Where the command came from.
    pub origin: Origin,
}

impl DisownAddress {
    /// Erases the account that nobody confirmed, or the sign-up or invitation that waits for an answer.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good, or not one that may; `AccountEstablished` if the account
    /// was confirmed, or the link is about another thing than its beginning.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Command { token, origin } = command;
        if token.purpose == TokenPurpose::PasswordReset {
            return Err(Refusal::TokenExpired.into());
        }
        match self.redemption.check(&token).await? {
            Subject::SignUp(waiting) => self.redemption.requests.remove_sign_up(waiting.id).await,
            Subject::User(user) => {
                require_open(&user, token.purpose)?;
                let erase = self.redemption.redeem(&token, origin, |user, _, metadata| {
                    require_open(user, token.purpose)?;
                    Ok(user.erase(metadata))
                });
                erase.await.map(drop)
            }
        }
    }
}

/// # Errors
/// `AccountEstablished`.
fn require_open(user: &User, purpose: TokenPurpose) -> Result<(), Refusal> {
    if purpose == TokenPurpose::EmailChange || user.standing == Standing::Settled {
        Err(Refusal::AccountEstablished)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
