//! The use case: a user signs in.

use std::sync::Arc;

use async_trait::async_trait;
use shared::{
    application::{rate_limit::AttemptPermit, session_tokens::TokenPair, sign_in::SignIn},
    domain::{Origin, Result, User, identity::Authorization},
};

use crate::password::PasswordCredentials;

/// One way to authenticate, by credentials of type `C`. Another one takes a type that
/// implements this, a variant of [`Credentials`] and a line in `main.rs`.
#[async_trait]
pub trait AuthenticationStrategy<C>: Send + Sync {
    /// The user whose credentials these are.
    ///
    /// # Errors
    /// `InvalidCredentials` if they are nobody's, or if the user may not sign in; `TooManyRequests`.
    async fn authenticate(&self, credentials: C, origin: &Origin) -> Result<Authenticated>;
}

/// A user who is who they say they are.
pub struct Authenticated {
    /// The user, who is active.
    pub user: User,
    /// How: a value of RFC 8176.
    pub method: &'static str,
    /// The attempt it took.
    pub permit: AttemptPermit,
}

/// Signs users in.
pub struct Authenticate {
    /// By address and password.
    pub password: Arc<dyn AuthenticationStrategy<PasswordCredentials>>,
    /// By an OpenID provider.
    pub oidc: Arc<dyn AuthenticationStrategy<Authorization>>,
    pub sign_in: SignIn,
}

/// What proves an identity.
#[derive(Debug)]
pub enum Credentials {
    /// Address and password.
    Password(PasswordCredentials),
    /// An authorization code of an OpenID provider.
    Oidc(Authorization),
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
        } = match credentials {
            Credentials::Password(password) => self.password.authenticate(password, &origin).await,
            Credentials::Oidc(authorization) => {
                self.oidc.authenticate(authorization, &origin).await
            }
        }?;
        // The guess was right, whether or not the session can be started.
        let start = self.sign_in.start(&user, method, &issuer, origin);
        tokio::join!(start, permit.succeed()).0
    }
}

#[cfg(test)]
pub(crate) mod tests;
