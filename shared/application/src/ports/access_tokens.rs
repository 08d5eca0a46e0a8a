//! Access tokens.

use async_trait::async_trait;
use domain::{Result, Session, SessionId, User, UserId};
use secrecy::SecretString;

/// Issues access tokens.
#[async_trait]
pub trait TokenIssuer: Send + Sync {
    /// A signed token for `session` of `user`, with `issuer` as its `iss`.
    async fn issue(&self, issuer: &str, user: &User, session: &Session) -> Result<AccessToken>;
}

/// A signed access token.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// A JWT (RFC 9068).
    pub token: SecretString,
    /// Seconds until it expires.
    pub expires_in: u64,
}

/// Verifies access tokens.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// The claims of a genuine, unexpired token from `issuer`; none for any other text.
    async fn verify(&self, issuer: &str, token: &str) -> Result<Option<AccessTokenClaims>>;
}

/// The claims that count here. Roles are not among them: they are read with the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTokenClaims {
    /// `sub`.
    pub user_id: UserId,
    /// `sid`.
    pub session_id: SessionId,
    /// The user's [`auth_epoch`](User::auth_epoch) when the token was signed.
    pub epoch: u64,
}
