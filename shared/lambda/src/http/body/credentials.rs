//! What users prove themselves by.

use std::str::FromStr;

use application::sign_in::{Credentials, password::PasswordCredentials};
use domain::{
    Email,
    device::{DeviceToken, PresentedDevice},
    error::Violation,
    identity::Authorization,
};

use super::{JsonObject, RequestBody};

/// The value of `strategy`.
#[derive(Default)]
enum Strategy {
    #[default]
    Password,
    Oidc,
}

impl FromStr for Strategy {
    type Err = Violation;

    fn from_str(name: &str) -> Result<Self, Violation> {
        match name {
            "password" => Ok(Self::Password),
            "oidc" => Ok(Self::Oidc),
            _ => Err(Violation::new(
                "unknown-strategy",
                "is not one of password, oidc",
            )),
        }
    }
}

/// Credentials, and from which device they come.
#[derive(Debug)]
pub struct PresentedCredentials {
    pub credentials: Credentials,
    pub device: Option<DeviceToken>,
}

impl RequestBody for PresentedCredentials {
    fn read(object: &mut JsonObject) -> Option<Self> {
        let device = object.optional("deviceToken", JsonObject::text::<PresentedDevice>);
        let credentials = Credentials::read(object);
        Some(Self {
            device: device?.unwrap_or_default().0,
            credentials: credentials?,
        })
    }
}

impl RequestBody for Credentials {
    fn read(object: &mut JsonObject) -> Option<Self> {
        Some(match object.tag("strategy")? {
            Strategy::Password => Self::Password(PasswordCredentials::read(object)?),
            Strategy::Oidc => Self::Oidc(Authorization::read(object)?),
        })
    }
}

impl RequestBody for PasswordCredentials {
    fn read(object: &mut JsonObject) -> Option<Self> {
        let email = object.text_with("email", Email::presented);
        let password = object.text("password");
        Some(Self {
            email: email?,
            password: password?,
            device: None,
        })
    }
}

impl RequestBody for Authorization {
    fn read(object: &mut JsonObject) -> Option<Self> {
        let (provider, code) = (object.text("provider"), object.text("code"));
        let (code_verifier, nonce) = (object.text("codeVerifier"), object.text("nonce"));
        let redirect_uri = object.text("redirectUri");
        Some(Self {
            provider: provider?,
            code: code?,
            code_verifier: code_verifier?,
            nonce: nonce?,
            redirect_uri: redirect_uri?,
        })
    }
}
