//! What a session is worth: an access token for the API and a refresh token for the next one.

use std::sync::Arc;

use domain::{
    Result, User,
    session::{RefreshKey, RefreshToken, Session},
};

use crate::{
    ports::{AccessToken, TokenIssuer},
    shared_secret::SharedSecret,
};

/// Grants tokens.
pub struct SessionTokens {
    /// Signs access tokens.
    pub tokens: Arc<dyn TokenIssuer>,
    /// Makes refresh tokens.
    pub refresh_secret: SharedSecret,
}

/// What a user gets for a session.
#[derive(Debug)]
pub struct TokenPair {
    /// For the API.
    pub access: AccessToken,
    /// For the next access token.
    pub refresh: RefreshToken,
    /// The user.
    pub user: User,
}

impl SessionTokens {
    /// The tokens of `session`, as it is now; access tokens say that they come from `issuer`.
    pub async fn issue(&self, issuer: &str, user: &User, session: &Session) -> Result<TokenPair> {
        let (access, key) =
            tokio::try_join!(self.tokens.issue(issuer, user, session), self.refresh_key())?;
        Ok(TokenPair {
            access,
            refresh: session.refresh_token(&key),
            user: user.clone(),
        })
    }

    /// The key from which refresh tokens come.
    pub async fn refresh_key(&self) -> Result<RefreshKey> {
        Ok(RefreshKey::new(self.refresh_secret.get().await?.clone()))
    }
}
