//! Ways in which users prove to be who they are: at a sign-in, and once more in a session.

pub mod password;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{LoginKey, Origin, Refusal, Result, User, identity::Authorization};

use self::password::PasswordCredentials;
use crate::{devices::DeviceProof, ports::UserRepository, rate_limit::AttemptPermit};

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

impl Credentials {
    /// The credentials as presented from a device. Only guesses at a password are tallied by it.
    #[must_use]
    pub fn from_device(self, device: Option<DeviceProof>) -> Self {
        match self {
            Self::Password(password) => Self::Password(PasswordCredentials { device, ..password }),
            oidc @ Self::Oidc(_) => oidc,
        }
    }
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

/// How often login and user are read, if a change of one comes between the two.
const LOOKS: usize = 3;

/// The user who has this login, as read in one state with it: if it is unlinked in between, the user who
/// is read next no longer has it.
///
/// # Errors
/// `Unavailable` if that happens again and again.
pub async fn user_with_login(users: &dyn UserRepository, key: &LoginKey) -> Result<Option<User>> {
    for _ in 0..LOOKS {
        let Some(login) = users.find_login(key).await? else {
            return Ok(None);
        };
        let user = users.find(login.user_id).await?;
        if let Some(user) = user.filter(|user| user.logins.contains(key)) {
            return Ok(Some(user));
        }
    }
    Err(Refusal::Unavailable(Duration::from_secs(1)).into())
}

/// Federated sign-in. RFC 8176 has no value for it; this one is in use.
pub const FEDERATED: &str = "fed";
