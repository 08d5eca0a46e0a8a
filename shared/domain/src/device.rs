//! Devices from which users signed in before, and the tokens that prove them: whoever guesses at a
//! password from elsewhere must not lock out its owner (OWASP, "device cookies").

use std::{convert::Infallible, str::FromStr, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use uuid::Uuid;

use super::{SessionId, Timestamp, User, UserId, Version, mac::MacKey};

/// How long a device is known after the last sign-in from it.
pub const DEVICE_LIFETIME: Duration = Duration::from_hours(180 * 24);

/// A device from which a user signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    pub user_id: UserId,
    /// Random; the same user may have many.
    pub id: Uuid,
}

impl Device {
    /// Whoever holds a link that was mailed to the user: one device, however many links there are, or a new
    /// link would bring new guesses.
    pub fn of_links(user_id: UserId) -> Self {
        let id = user_id.as_uuid();
        Self { user_id, id }
    }

    /// The device that holds a session of the user.
    pub fn of_session(user_id: UserId, session_id: SessionId) -> Self {
        let id = session_id.as_uuid();
        Self { user_id, id }
    }
}

/// Proves a device: user, device and time in the clear, and the code that authenticates them. It is void
/// once the password of the user is another, or after a recovery.
#[derive(Debug, Clone)]
pub struct DeviceToken {
    pub device: Device,
    issued_at: Timestamp,
    code: SecretSlice<u8>,
}

impl DeviceToken {
    /// The token as clients hold it: base64url, 96 characters.
    pub fn encode(&self) -> SecretString {
        let mut bytes = Vec::with_capacity(72);
        bytes.extend_from_slice(self.device.user_id.as_uuid().as_bytes());
        bytes.extend_from_slice(self.device.id.as_bytes());
        bytes.extend_from_slice(&self.issued_at.as_seconds().to_be_bytes());
        bytes.extend_from_slice(self.code.expose_secret());
        BASE64_URL_SAFE_NO_PAD.encode(bytes).into()
    }

    fn decode(raw: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(raw).ok()?;
        let (user_id, rest) = bytes.split_first_chunk::<16>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (issued_at, code) = rest.split_first_chunk::<8>()?;
        let code: &[u8; 32] = code.try_into().ok()?;
        Some(Self {
            device: Device {
                user_id: Uuid::from_bytes(*user_id).into(),
                id: Uuid::from_bytes(*id),
            },
            issued_at: Timestamp::from_seconds(i64::from_be_bytes(*issued_at)),
            code: code.to_vec().into(),
        })
    }
}

/// What a client presents as its device token. Any text that is not one stands for an unknown device.
#[derive(Debug, Clone, Default)]
pub struct PresentedDevice(pub Option<DeviceToken>);

impl FromStr for PresentedDevice {
    type Err = Infallible;

    fn from_str(raw: &str) -> Result<Self, Infallible> {
        Ok(Self(DeviceToken::decode(raw)))
    }
}

/// The key that authenticates all device tokens.
#[derive(Debug, Clone)]
pub struct DeviceKey(MacKey);

impl DeviceKey {
    pub fn new(key: MacKey) -> Self {
        Self(key)
    }

    /// A token of `user` for the device `id`, from `now` on.
    pub fn issue(&self, user: &User, id: Uuid, now: Timestamp) -> DeviceToken {
        // As the token carries it.
        let issued_at = Timestamp::from_seconds(now.as_seconds());
        let user_id = user.id;
        DeviceToken {
            device: Device { user_id, id },
            issued_at,
            code: with_parts(user, id, issued_at, |parts| self.0.code(parts)).into(),
        }
    }

    /// The device of `user` which `token` proves at `now`; none if it is another user's, expired or
    /// void.
    pub fn recognize(&self, token: &DeviceToken, user: &User, now: Timestamp) -> Option<Device> {
        let is_genuine = with_parts(user, token.device.id, token.issued_at, |parts| {
            self.0.verifies(token.code.expose_secret(), parts)
        });
        let is_good = is_genuine
            && token.device.user_id == user.id
            && token.issued_at.plus(DEVICE_LIFETIME) > now;
        is_good.then_some(token.device)
    }
}

/// Calls `then` with what the code of a token covers.
fn with_parts<T>(
    user: &User,
    id: Uuid,
    issued_at: Timestamp,
    then: impl FnOnce(&[&[u8]]) -> T,
) -> T {
    let password_version = user.password_version.map_or(0, Version::get);
    then(&[
        user.id.as_uuid().as_bytes(),
        id.as_bytes(),
        &issued_at.as_seconds().to_be_bytes(),
        &password_version.to_be_bytes(),
        &user.recovery_epoch.to_be_bytes(),
    ])
}

#[cfg(test)]
mod tests;
