//! The use case: the reader of a mail chooses another password.

use shared::{
    application::{
        link_password::{LinkPassword, PasswordChoice},
        session_tokens::TokenPair,
    },
    domain::{Refusal, Result, TokenPurpose},
};

pub struct ResetPassword {
    pub link_password: LinkPassword,
}

impl ResetPassword {
    /// Gives the user the new password, which ends every session, marks the address as proven and signs
    /// in. An account that nobody confirmed is replaced by another, unless its own session asks.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good; `PasswordRejected` by the policy: then the token stays
    /// good.
    pub async fn execute(&self, command: PasswordChoice) -> Result<TokenPair> {
        if command.token.purpose != TokenPurpose::PasswordReset {
            return Err(Refusal::TokenExpired.into());
        }
        self.link_password.choose(command).await
    }
}

#[cfg(test)]
mod tests;
