//! The tokens of a session: an access token for the API and a refresh token for the next one.

use std::sync::Arc;

use domain::{
    Result, User,
    device::DeviceToken,
    session::{RefreshKey, RefreshToken, Session},
};

use crate::{
    ports::{AccessToken, TokenIssuer, TokenTarget},
    shared_secret::SharedSecret,
};

/// Issues the tokens of sessions.
pub struct SessionTokens {
    /// Signs access tokens.
    pub tokens: Arc<dyn TokenIssuer>,
    /// Makes refresh tokens.
    pub refresh_secret: SharedSecret,
}

/// The tokens of a session.
#[derive(Debug)]
pub struct TokenPair {
    /// Authorizes calls of the API.
    pub access: AccessToken,
    /// Exchanged once for the next pair.
    pub refresh: RefreshToken,
    /// The user of the session, for the answer.
    pub user: User,
    /// Proves at the next sign-in that this device is known; only at the beginning of a session, and once
    /// the password of that time is another.
    pub device: Option<DeviceToken>,
}

impl SessionTokens {
    /// The tokens of `session`, as it is now. The refresh token is the same whatever the target.
    pub async fn issue(
        &self,
        target: TokenTarget<'_>,
        user: &User,
        session: &Session,
    ) -> Result<TokenPair> {
        let (access, key) =
            tokio::try_join!(self.tokens.issue(target, user, session), self.refresh_key())?;
        Ok(TokenPair {
            access,
            refresh: session.refresh_token(&key),
            user: user.clone(),
            device: None,
        })
    }

    /// The key from which refresh tokens come.
    pub async fn refresh_key(&self) -> Result<RefreshKey> {
        Ok(RefreshKey::new(self.refresh_secret.get().await?))
    }
}
