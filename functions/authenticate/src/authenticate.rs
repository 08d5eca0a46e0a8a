//! The use case: a user signs in.

use std::sync::Arc;

use shared::{
    application::{
        devices::{DeviceProof, Devices},
        rate_limit::RateLimiter,
        session_starter::SessionStarter,
        session_tokens::TokenPair,
        sign_in::{Authenticated, Credentials, Strategies},
    },
    domain::{
        Origin, Result,
        attempt::{AttemptKey, Limit, Scope},
        device::DeviceToken,
    },
};

/// Signs users in.
pub struct Authenticate {
    pub strategies: Strategies,
    pub session_starter: SessionStarter,
    /// Issues device tokens.
    pub devices: Arc<Devices>,
    /// Counts sign-ins.
    pub rate_limiter: RateLimiter,
    /// Sign-ins of one user, per hour: each writes a session and events that are kept.
    pub per_user: Limit,
}

/// A sign-in.
#[derive(Debug)]
pub struct Command {
    /// Who signs in.
    pub credentials: Credentials,
    /// Says from which device, which stays known.
    pub device: Option<DeviceToken>,
    /// The `iss` of the token.
    pub issuer: String,
    /// Where the command came from.
    pub origin: Origin,
}

impl Authenticate {
    /// Starts a session.
    ///
    /// # Errors
    /// Those of the strategy; `TooManyRequests` if the user signed in too often.
    pub async fn execute(&self, command: Command) -> Result<TokenPair> {
        let Command {
            credentials,
            device,
            issuer,
            origin,
        } = command;
        let credentials = credentials.from_device(device.clone().map(DeviceProof::Token));
        let Authenticated {
            user,
            method,
            permit,
        } = self.strategies.authenticate(credentials, &origin).await?;
        // The guess was right, whether or not the session can be started.
        let start = async {
            let sign_ins = AttemptKey::of_user(Scope::SignIn, user.id);
            let sign_in = [(sign_ins, self.per_user)];
            self.rate_limiter.acquire(&sign_in).await?;
            let issued = self.devices.issue(&user, device.as_ref()).await?;
            let starter = &self.session_starter;
            let new_device = !issued.is_known;
            let start = starter.start(&user, method, &issuer, new_device, origin);
            Ok(TokenPair {
                device: Some(issued.token),
                ..start.await?
            })
        };
        tokio::join!(start, permit.succeed()).0
    }
}

#[cfg(test)]
mod password_tests;
#[cfg(test)]
pub(crate) mod tests;
