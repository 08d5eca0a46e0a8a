//! The use case: a user who is signed in proves once more to be the user.

use std::sync::Arc;

use shared::{
    application::{
        devices::{DeviceProof, Devices},
        known_ring::KnownRing,
        ports::{AccessToken, Clock, SessionRepository, TokenIssuer},
        sign_in::{Authenticated, Credentials, Strategies},
    },
    domain::{
        Origin, Refusal, Result, SessionId, User, UserId,
        device::{Device, DeviceToken},
    },
};

pub struct ProveAgain {
    pub strategies: Strategies,
    pub sessions: Arc<dyn SessionRepository>,
    pub tokens: Arc<dyn TokenIssuer>,
    /// Issues device tokens.
    pub devices: Arc<Devices>,
    pub ring: Arc<KnownRing>,
    pub clock: Arc<dyn Clock>,
}

/// A proof in a session.
#[derive(Debug)]
pub struct Command {
    /// Who is signed in.
    pub user_id: UserId,
    /// In which session.
    pub session_id: SessionId,
    pub credentials: Credentials,
    /// The `iss` of the token.
    pub issuer: String,
    /// Where the command came from.
    pub origin: Origin,
}

impl ProveAgain {
    /// Notes the proof in the session. Returns an access token whose `auth_time` is now, and a token for the
    /// device: that of the sign-in is void if the password changed since. Session and refresh token stay.
    ///
    /// # Errors
    /// Those of the strategy; `InvalidCredentials` if the credentials are another user's: the try stays
    /// spent, as a wrong one does; `Unauthenticated` if the session is over; `TooManyRequests` if the user
    /// proved it too often.
    pub async fn execute(&self, command: Command) -> Result<(AccessToken, DeviceToken)> {
        let Command {
            user_id,
            session_id,
            credentials,
            issuer,
            origin,
        } = command;
        let device = Device::of_session(user_id, session_id);
        let credentials = credentials.from_device(Some(DeviceProof::Session(device)));
        let Authenticated {
            user,
            method,
            permit,
        } = self.strategies.authenticate(credentials, &origin).await?;
        if user.id != user_id {
            return Err(Refusal::InvalidCredentials.into());
        }
        // The guess was right, whether or not the session is still live.
        let note = self.note(&user, session_id, method, &issuer);
        permit.succeed(user.id, note).await
    }

    async fn note(
        &self,
        user: &User,
        id: SessionId,
        method: &str,
        issuer: &str,
    ) -> Result<(AccessToken, DeviceToken)> {
        let now = self.clock.now();
        let (session, epoch) =
            tokio::try_join!(self.sessions.find(user.id, id), self.ring.epoch())?;
        let session = session.filter(|session| session.is_live(user, epoch, now));
        let next = session.ok_or(Refusal::Unauthenticated)?.proven(method, now);
        // The token is signed while the table writes; nobody gets it if it does not.
        let (proven, access, device) = tokio::try_join!(
            self.sessions.prove(&next),
            self.tokens.issue(issuer.into(), user, &next),
            self.devices.of_session(user, id)
        )?;
        if proven {
            Ok((access, device))
        } else {
            Err(Refusal::Unauthenticated.into())
        }
    }
}

#[cfg(test)]
mod tests;
