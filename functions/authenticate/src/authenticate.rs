//! The use case: a user signs in.

use std::sync::Arc;

use shared::{
    application::{
        devices::{DeviceProof, Devices},
        ports::TokenTarget,
        session_starter::SessionStarter,
        session_tokens::TokenPair,
        sign_in::{Authenticated, Credentials, Strategies},
    },
    domain::{Audience, Audiences, Origin, Result, device::DeviceToken},
};

/// Signs users in.
pub struct Authenticate {
    /// The services beside Roster for which tokens may be asked.
    pub audiences: Audiences,
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
    /// For which service the access token is; for Roster itself if none.
    pub audience: Option<Audience>,
    /// Where the command came from.
    pub origin: Origin,
}

impl Authenticate {
    /// Starts a session.
    ///
    /// # Errors
    /// `Invalid` if the audience is none; those of the strategy; `TooManyRequests` if the user signed in too
    /// often.
    pub async fn execute(&self, command: Command) -> Result<TokenPair> {
        let Command {
            credentials,
            device,
            issuer,
            audience,
            origin,
        } = command;
        self.audiences.admit(audience.as_ref())?;
        let credentials = credentials.from_device(device.clone().map(DeviceProof::Token));
        let Authenticated {
            user,
            method,
            permit,
        } = self.strategies.authenticate(credentials, &origin).await?;
        // The guess was right, whether or not the session can be started.
        let start = async {
            let issued = self.devices.issue(&user, device.as_ref()).await?;
            let target = TokenTarget {
                issuer: &issuer,
                audience: audience.as_ref(),
            };
            let is_new = !issued.is_known;
            let starter = &self.session_starter;
            let token_pair = starter.start(&user, method, target, is_new, origin).await?;
            Ok(TokenPair {
                device: Some(issued.token),
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
