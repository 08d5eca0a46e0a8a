//! The use case: the reader of a mail chooses another password.

use shared::{
    application::link_password::{Chosen, LinkPassword, PasswordChoice},
    domain::{Refusal, Result, TokenPurpose},
};

pub struct ResetPassword {
    pub link_password: LinkPassword,
}

impl ResetPassword {
    /// Gives the user the new password, which ends every session, marks the address as proven and signs
    /// in. An account that nobody confirmed is replaced by another, unless its own session asks. Nothing
    /// more happens if the token gave the user this password before.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good; `PasswordRejected` by the policy: then the token stays
    /// good; `TooManyRequests` after too many repetitions.
    pub async fn execute(&self, command: PasswordChoice) -> Result<Chosen> {
        if command.token.purpose != TokenPurpose::PasswordReset {
            return Err(Refusal::TokenExpired.into());
        }
        self.link_password.choose(command).await
    }
}

#[cfg(test)]
mod tests;
