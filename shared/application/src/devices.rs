//! Known devices: each has guesses at the password of its own, which no stranger can use up.

use std::sync::Arc;

use domain::{
    Email, Result, SessionId, User,
    device::{Device, DeviceKey, DeviceToken},
};
use uuid::Uuid;

use crate::{
    ports::{Env, UserRepository},
    shared_secret::SharedSecret,
};

/// What says from which device somebody guesses.
#[derive(Debug, Clone)]
pub enum DeviceProof {
    /// What the client kept of the last sign-in.
    Token(DeviceToken),
    /// The session in which somebody proves once more to be its user.
    Session(Device),
}

/// The token for the device of a sign-in.
#[derive(Debug)]
pub struct IssuedDevice {
    pub token: DeviceToken,
    /// True if the user signed in from the device before, with the present password.
    pub is_known: bool,
}

/// Recognizes devices.
pub struct Devices {
    pub users: Arc<dyn UserRepository>,
    /// Authenticates device tokens.
    pub secret: SharedSecret,
    pub env: Env,
}

impl Devices {
    /// The device from which somebody wants to sign in at `email`; none if it is not a known device of
    /// the user who has that address. Reads one user, whatever the address is.
    pub async fn recognize(&self, proof: &DeviceProof, email: &Email) -> Result<Option<Device>> {
        let (DeviceProof::Token(DeviceToken { device, .. }) | DeviceProof::Session(device)) = proof;
        let user = self.users.find(device.user_id).await?;
        let user = user.filter(|user| user.email == *email);
        match proof {
            DeviceProof::Session(device) => Ok(user.map(|_| *device)),
            DeviceProof::Token(token) => {
                let (key, now) = (self.key().await?, self.env.clock.now());
                Ok(user.and_then(|user| key.recognize(token, &user, now)))
            }
        }
    }

    /// Loads the secret of device tokens, so that no request has to.
    ///
    /// # Errors
    /// If it cannot be read, or made where there is none.
    pub async fn warm_up(&self) -> Result<()> {
        self.secret.get().await.map(drop)
    }

    /// The token for the device from which `user` just signed in: known before by `token`, or new.
    pub async fn issue(&self, user: &User, token: Option<&DeviceToken>) -> Result<IssuedDevice> {
        let key = self.key().await?;
        let now = self.env.clock.now();
        let known = token.and_then(|token| key.recognize(token, user, now));
        let id = match known {
            Some(device) => device.id,
            None => Uuid::from_bytes(self.env.random.bytes()?),
        };
        Ok(IssuedDevice {
            token: key.issue(user, id, now),
            is_known: known.is_some(),
        })
    }

    /// The token for the device that holds a session of `user`, which goes on. Guesses from it are those of
    /// the session, so that asking again makes no more of them.
    pub async fn of_session(&self, user: &User, id: SessionId) -> Result<DeviceToken> {
        let device = Device::of_session(user.id, id);
        let now = self.env.clock.now();
        Ok(self.key().await?.issue(user, device.id, now))
    }

    async fn key(&self) -> Result<DeviceKey> {
        Ok(DeviceKey::new(self.secret.get().await?))
    }
}
