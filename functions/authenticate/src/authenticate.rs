//! The use case: a user signs in.

use std::sync::Arc;

use shared::{
    application::{
        devices::{DeviceProof, Devices},
        session_starter::SessionStarter,
        session_tokens::TokenPair,
        sign_in::{Authenticated, Credentials, Strategies},
    },
    domain::{Origin, Result, device::DeviceToken},
};

/// Signs users in.
pub struct Authenticate {
    pub strategies: Strategies,
    pub session_starter: SessionStarter,
    /// Issues device tokens.
    pub devices: Arc<Devices>,
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
            let starter = &self.session_starter;
            let token_pair = starter.start(&user, method, &issuer, origin).await?;
            let device = self.devices.issue(&user, device.as_ref()).await?;
            Ok(TokenPair {
                device: Some(device),
                ..token_pair
            })
        };
        permit.succeed(user.id, start).await
    }
}

#[cfg(test)]
mod password_tests;
#[cfg(test)]
pub(crate) mod tests;
