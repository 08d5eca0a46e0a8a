//! The use case: somebody signs in.

use std::sync::Arc;

use async_trait::async_trait;
use shared::{
    application::{
        ports::{Env, SessionRepository},
        rate_limit::AttemptPermit,
        session_tokens::{SessionTokens, TokenPair},
    },
    domain::{Actor, Error, Origin, Result, SessionId, User, error::Violation, session::Session},
    lambda::http::Fields,
};

/// One way to authenticate who one is. Another one is a type that implements this, and a line in `main.rs`.
#[async_trait]
pub trait AuthenticationStrategy: Send + Sync {
    /// The name by which clients choose it.
    fn name(&self) -> &'static str;

    /// Principal is authenticated by what a client presents: the fields of the body, of which all must be known.
    async fn authenticate(&self, presented: Fields, origin: &Origin) -> Result<Authenticated>;
}

/// A user who proved to be the user.
pub struct Authenticated {
    /// The user, who is active.
    pub user: User,
    /// How: a value of RFC 8176.
    pub method: &'static str,
    /// The guess it took.
    pub permit: AttemptPermit,
}

/// Signs users in.
pub struct Authenticate {
    /// The ways there are; the first counts where a client names none.
    pub strategies: Vec<Arc<dyn AuthenticationStrategy>>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// Grants tokens.
    pub session_tokens: SessionTokens,
    /// Time and randomness.
    pub env: Env,
}

/// A sign-in.
pub struct Command {
    /// The way; none for the first there is.
    pub strategy: Option<Arc<dyn AuthenticationStrategy>>,
    /// What the client presents to authenticate who it is.
    pub presented: Fields,
    /// The `iss` of the token.
    pub issuer: String,
    /// Principal asks, and from where.
    pub origin: Origin,
}

impl Authenticate {
    /// The strategy called `name`.
    ///
    /// # Errors
    /// If there is none; names those there are.
    pub fn strategy(&self, name: &str) -> Result<Arc<dyn AuthenticationStrategy>, Violation> {
        let mut known = self.strategies.iter();
        known
            .find(|strategy| strategy.name() == name)
            .cloned()
            .ok_or_else(|| {
                let names: Vec<_> = self.strategies.iter().map(|known| known.name()).collect();
                Violation::new(
                    "unknown-strategy",
                    format!("is not one of {}", names.join(", ")),
                )
            })
    }

    /// Starts a session for whoever proves to be a user.
    ///
    /// # Errors
    /// What the strategy says.
    pub async fn execute(&self, command: Command) -> Result<TokenPair> {
        let Command {
            strategy,
            presented,
            issuer,
            origin,
        } = command;
        let strategy = strategy.or_else(|| self.strategies.first().cloned());
        let strategy = strategy.ok_or_else(|| Error::internal("there is no strategy"))?;
        let authenticated = strategy.authenticate(presented, &origin).await?;
        let Authenticated {
            user,
            method,
            permit,
        } = authenticated;
        let actor = Actor::User(user.id);
        let metadata = self.env.metadata(Origin { actor, ..origin })?;
        let id = SessionId::new(metadata.now, self.env.random.bytes()?);
        let nonce = self.env.random.token()?;
        let (session, event) = Session::start(id, nonce, &user, method, &metadata);
        // The token is signed while the tables write.
        let ((), token_pair, ()) = tokio::try_join!(
            self.sessions.start(&session, &event),
            self.session_tokens.issue(&issuer, &user, &session),
            async {
                permit.succeed().await;
                Ok(())
            },
        )?;
        Ok(token_pair)
    }
}

#[cfg(test)]
pub(crate) mod tests;
