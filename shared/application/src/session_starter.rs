//! A new session for a user who just proved to be the user.

use std::sync::Arc;

use domain::{Actor, Origin, Refusal, Result, SessionId, User, session::Session};

use crate::{
    ports::{Env, SessionRepository, TokenTarget},
    session_tokens::{SessionTokens, TokenPair},
};

/// Starts sessions.
pub struct SessionStarter {
    pub sessions: Arc<dyn SessionRepository>,
    /// Issues tokens.
    pub session_tokens: SessionTokens,
    pub env: Env,
}

impl SessionStarter {
    /// Starts a session of `user`, who authenticated by `method` (RFC 8176). `new_device` is true if the
    /// sign-in came from a device that is not known, of which the user is told.
    ///
    /// # Errors
    /// `Unavailable` while an epoch of the deployment is about to begin, which would end the session.
    pub async fn start(
        &self,
        user: &User,
        method: &'static str,
        target: TokenTarget<'_>,
        new_device: bool,
        origin: Origin,
    ) -> Result<TokenPair> {
        let actor = Actor::User(user.id);
        let metadata = self.env.metadata(Origin { actor, ..origin })?;
        let epoch = self.session_tokens.refresh_secret.epoch().await?;
        if let Some(wait) = epoch.begins_in(metadata.now) {
            return Err(Refusal::Unavailable(wait).into());
        }
        let id = SessionId::new(metadata.now, self.env.random.bytes()?);
        let nonce = self.env.random.token()?;
        let (session, event) = Session::start(id, nonce, user, method, new_device, &metadata);
        // The token is signed while the tables write.
        let ((), token_pair) = tokio::try_join!(
            self.sessions.start(&session, &event),
            self.session_tokens.issue(target, user, &session),
        )?;
        Ok(token_pair)
    }
}
