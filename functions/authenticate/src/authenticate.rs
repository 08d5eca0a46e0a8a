//! The use case: somebody signs in.

use std::sync::Arc;

use async_trait::async_trait;
use shared::{
    application::{
        ports::{Circumstances, SessionRepository},
        rate_limit::Guess,
        session_tokens::{Granted, Granting},
    },
    domain::{Actor, Error, Origin, Result, SessionId, User, error::Violation, session::Session},
    lambda::http::Fields,
};

/// One way to prove who one is. Another one is a type that implements this, and a line in `main.rs`.
#[async_trait]
pub trait AuthenticationStrategy: Send + Sync {
    /// The name by which clients choose it.
    fn name(&self) -> &'static str;

    /// Who is proven by what a client presents: the fields of the body, of which all must be known.
    async fn prove(&self, presented: Fields, origin: &Origin) -> Result<Proven>;
}

/// A user who proved to be the user.
pub struct Proven {
    /// The user, who is active.
    pub user: User,
    /// How: a value of RFC 8176.
    pub method: &'static str,
    /// The guess it took.
    pub guess: Guess,
}

/// Signs users in.
pub struct Authenticate {
    /// The ways there are; the first counts where a client names none.
    pub strategies: Vec<Arc<dyn AuthenticationStrategy>>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// Grants tokens.
    pub granting: Granting,
    /// Time and randomness.
    pub circumstances: Circumstances,
}

/// A sign-in.
pub struct Command {
    /// The way; none for the first there is.
    pub strategy: Option<Arc<dyn AuthenticationStrategy>>,
    /// What the client presents to prove who it is.
    pub presented: Fields,
    /// The `iss` of the token.
    pub issuer: String,
    /// Who asks, and from where.
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
    pub async fn execute(&self, command: Command) -> Result<Granted> {
        let Command {
            strategy,
            presented,
            issuer,
            origin,
        } = command;
        let strategy = strategy.or_else(|| self.strategies.first().cloned());
        let strategy = strategy.ok_or_else(|| Error::internal("there is no strategy"))?;
        let proven = strategy.prove(presented, &origin).await?;
        let Proven {
            user,
            method,
            guess,
        } = proven;
        let actor = Actor::User(user.id);
        let occasion = self.circumstances.occasion(Origin { actor, ..origin })?;
        let id = SessionId::new(occasion.now, self.circumstances.entropy.bytes()?);
        let nonce = self.circumstances.entropy.token()?;
        let (session, event) = Session::start(id, nonce, &user, method, &occasion);
        // The token is signed while the tables write.
        let ((), granted, ()) = tokio::try_join!(
            self.sessions.start(&session, &event),
            self.granting.grant(&issuer, &user, &session),
            async {
                guess.was_right().await;
                Ok(())
            },
        )?;
        Ok(granted)
    }
}

#[cfg(test)]
mod tests;
