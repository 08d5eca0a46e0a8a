//! The use case: a user signs in.

use std::sync::Arc;

use shared::{
    application::{
        ports::{Env, SessionRepository},
        session_tokens::{SessionTokens, TokenPair},
        sign_in::{Authenticated, Credentials, Strategies},
    },
    domain::{Actor, Origin, Result, SessionId, User, session::Session},
};

/// Signs users in.
pub struct Authenticate {
    pub strategies: Strategies,
    pub sessions: Arc<dyn SessionRepository>,
    /// Issues tokens.
    pub session_tokens: SessionTokens,
    pub env: Env,
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
        let start = self.start(&user, method, &issuer, origin);
        tokio::join!(start, permit.succeed()).0
    }

    async fn start(
        &self,
        user: &User,
        method: &'static str,
        issuer: &str,
        origin: Origin,
    ) -> Result<TokenPair> {
        let actor = Actor::User(user.id);
        let metadata = self.env.metadata(Origin { actor, ..origin })?;
        let id = SessionId::new(metadata.now, self.env.random.bytes()?);
        let nonce = self.env.random.token()?;
        let (session, event) = Session::start(id, nonce, user, method, &metadata);
        // The token is signed while the tables write.
        let ((), token_pair) = tokio::try_join!(
            self.sessions.start(&session, &event),
            self.session_tokens.issue(issuer, user, &session),
        )?;
        Ok(token_pair)
    }
}

#[cfg(test)]
mod password_tests;
#[cfg(test)]
pub(crate) mod tests;
