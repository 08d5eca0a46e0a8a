//! The use case: a user signs in.

use shared::{
    application::{
        session_starter::SessionStarter,
        session_tokens::TokenPair,
        sign_in::{Authenticated, Credentials, Strategies},
    },
    domain::{Origin, Result},
};

/// Signs users in.
pub struct Authenticate {
    pub strategies: Strategies,
    pub session_starter: SessionStarter,
}

/// A sign-in.
#[derive(Debug)]
pub struct Command {
    /// Who signs in.
    pub credentials: Credentials,
    /// The `iss` of the token.
    pub issuer: String,
    /// Where the command came from.
    pub origin: Origin,
}

impl Authenticate {
    /// Starts a session.
    ///
    /// # Errors
    /// Those of the strategy.
    pub async fn execute(&self, command: Command) -> Result<TokenPair> {
        let Command {
            credentials,
            issuer,
            origin,
        } = command;
        let Authenticated {
            user,
            method,
            permit,
        } = self.strategies.authenticate(credentials, &origin).await?;
        // The guess was right, whether or not the session can be started.
        let start = self.session_starter.start(&user, method, &issuer, origin);
        tokio::join!(start, permit.succeed()).0
    }
}

#[cfg(test)]
mod password_tests;
#[cfg(test)]
pub(crate) mod tests;
