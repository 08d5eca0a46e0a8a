//! Ways in which users prove to be who they are: at a sign-in, and once more in a session.

pub mod password;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{LoginKey, Origin, Result, User, identity::Authorization};

use self::password::PasswordCredentials;
use crate::{ports::UserRepository, rate_limit::AttemptPermit};

/// One way to authenticate, by credentials of type `C`. Another one takes a type that implements this, a
/// variant of [`Credentials`] and a field of [`Strategies`].
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

/// What proves an identity.
#[derive(Debug)]
pub enum Credentials {
    /// Address and password.
    Password(PasswordCredentials),
    /// An authorization code of an OpenID provider.
    Oidc(Authorization),
}

/// A strategy for each kind of credentials.
pub struct Strategies {
    /// By address and password.
    pub password: Arc<dyn AuthenticationStrategy<PasswordCredentials>>,
    /// By an OpenID provider.
    pub oidc: Arc<dyn AuthenticationStrategy<Authorization>>,
}

impl Strategies {
    /// The user whose credentials these are.
    ///
    /// # Errors
    /// Those of the strategy.
    pub async fn authenticate(
        &self,
        credentials: Credentials,
        origin: &Origin,
    ) -> Result<Authenticated> {
        match credentials {
            Credentials::Password(password) => self.password.authenticate(password, origin).await,
            Credentials::Oidc(authorization) => self.oidc.authenticate(authorization, origin).await,
        }
    }
}

/// The user who has this login, if there is one.
pub async fn user_with_login(users: &dyn UserRepository, login: &LoginKey) -> Result<Option<User>> {
    match users.find_login(login).await? {
        Some(login) => users.find(login.user_id).await,
        None => Ok(None),
    }
}

/// Federated sign-in. RFC 8176 has no value for it; this one is in use.
pub const FEDERATED: &str = "fed";
