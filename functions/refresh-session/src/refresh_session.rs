//! The use case: a session goes on.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        devices::Devices,
        ports::{Env, SessionRepository, TokenTarget, UserRepository},
        session_tokens::{SessionTokens, TokenPair},
    },
    domain::{
        Audience, Audiences, Origin, Refusal, Result, Session, User,
        attempt::Limit,
        audit::Trace,
        event::EndReason,
        session::{Exchange, RefreshToken},
    },
};

/// How often a session is looked at again after somebody else was first. Whoever loses once finds the
/// winner's successor at the second look.
const LOOKS: usize = 5;

pub struct RefreshSession {
    /// The services beside Roster for which tokens may be asked.
    pub audiences: Audiences,
    pub users: Arc<dyn UserRepository>,
    pub sessions: Arc<dyn SessionRepository>,
    /// Grants tokens.
    pub session_tokens: SessionTokens,
    /// Issues device tokens.
    pub devices: Arc<Devices>,
    /// Refreshes of one session, per hour: each writes the session and signs a token.
    pub per_session: Limit,
    pub env: Env,
}

/// A request for the next tokens.
#[derive(Debug)]
pub struct Command {
    pub token: RefreshToken,
    /// The `iss` of the access token.
    pub issuer: String,
    /// For which service the access token is; for Roster itself if none. The refresh token is bound to
    /// none: a repetition may ask for another and gets the same successor.
    pub audience: Option<Audience>,
    /// Who sends the command, and from where.
    pub origin: Origin,
}

impl RefreshSession {
    /// Exchanges a refresh token for its successor and a new access token. For a moment the token may
    /// come again, and gets the same successor while that is unused. Later it ends the session. If the password changed in this
    /// session, the device gets another token.
    ///
    /// # Errors
    /// `Invalid` if the audience is none: the token stays good; `InvalidRefreshToken` if the token is not one
    /// of a live session, or was exchanged before;
    /// `RefreshSuperseded` if that was a moment ago and its successor was used since;
    /// `TooManyRequests` if the session was refreshed too often: the token stays good.
    pub async fn execute(&self, command: Command) -> Result<TokenPair> {
        let Command {
            token,
            issuer,
            audience,
            origin,
        } = command;
        self.audiences.admit(audience.as_ref())?;
        let target = TokenTarget {
            issuer: &issuer,
            audience: audience.as_ref(),
        };
        let key = self.session_tokens.refresh_key().await?;
        for _ in 0..LOOKS {
            let (user, session) = self.find(&token).await?;
            let epoch = self.session_tokens.refresh_secret.epoch().await?;
            let now = self.env.clock.now();
            let exchange = session.exchange(&token, &key, now);
            let exchange = exchange.filter(|_| session.is_live(&user, epoch, now));
            match exchange.ok_or(Refusal::InvalidRefreshToken)? {
                Exchange::Rotation(next) => {
                    let next = next.counted(&self.per_session, now);
                    let next = next.map_err(|until| Refusal::too_many(now.until(until)))?;
                    // The tokens are made while the table writes; nobody gets them if it does not.
                    let (rotated, token_pair) = tokio::try_join!(
                        self.sessions.rotate(&next),
                        self.issue(target, &user, &next)
                    )?;
                    if rotated {
                        return Ok(token_pair);
                    }
                }
                Exchange::Repetition => {
                    return self.issue(target, &user, &session).await;
                }
                Exchange::Superseded => return Err(Refusal::RefreshSuperseded.into()),
                Exchange::Reuse => {
                    self.end(&session, origin).await?;
                    return Err(Refusal::InvalidRefreshToken.into());
                }
            }
        }
        Err(Refusal::Unavailable(Duration::from_secs(1)).into())
    }

    /// The tokens of a session, and one for the device if that of the sign-in is void by now.
    async fn issue(
        &self,
        target: TokenTarget<'_>,
        user: &User,
        session: &Session,
    ) -> Result<TokenPair> {
        let token_pair = self.session_tokens.issue(target, user, session).await?;
        let device = if session.outlived_password(user) {
            Some(self.devices.of_session(user, session.id).await?)
        } else {
            None
        };
        Ok(TokenPair {
            device,
            ..token_pair
        })
    }

    /// The session that the token names, and its user.
    async fn find(&self, token: &RefreshToken) -> Result<(User, Session)> {
        let (user, session) = tokio::try_join!(
            self.users.find(token.user_id),
            self.sessions.find(token.user_id, token.session_id)
        )?;
        let both = user.zip(session);
        both.ok_or_else(|| Refusal::InvalidRefreshToken.into())
    }

    async fn end(&self, session: &Session, origin: Origin) -> Result<()> {
        let (user, id) = (session.user_id, session.id);
        let from = Trace::of(&origin);
        let metadata = self.env.metadata(origin)?;
        let event = Session::ended(user, id, EndReason::TokenReused, &metadata);
        if self.sessions.end(user, id, &event, &from).await? {
            tracing::warn!(session = %id, "a refresh token came twice: the session is over");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
