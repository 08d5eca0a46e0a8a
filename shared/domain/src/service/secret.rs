//! Secrets that sign what a service is told, as Standard Webhooks has them.
//!
//! None is stored: each is made of a secret of the deployment and of the service's salt. So what lists
//! services, or tells one of their instances, reads nothing that signs.

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{
    super::{Timestamp, mac::MacKey},
    ServiceName,
};

/// How long a secret signs beside its successor: time to give the new one to every instance.
pub const OVERLAP: Duration = Duration::from_hours(24);

/// What stands before a secret, by the specification of Standard Webhooks.
const PREFIX: &str = "whsec_";

/// What tells the secrets of a service apart: 128 random bits, shown to nobody. So who learned the secret of
/// the deployment once does not know what the next salt makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretSalt(String);

impl SecretSalt {
    pub fn new(random: [u8; 16]) -> Self {
        Self(STANDARD.encode(random))
    }
}

/// The salt of the secret before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousSalt {
    pub salt: SecretSalt,
    /// Until when its secret signs.
    pub until: Timestamp,
}

/// A secret that signs: 256 bits.
#[derive(Clone)]
pub struct SigningSecret(SecretString);

impl SigningSecret {
    /// The secret of the service for this salt, made of a secret of the deployment.
    pub fn derive(deployment: &MacKey, service: &ServiceName, salt: &SecretSalt) -> Self {
        // No name has a line break, so that no two pairs read the same.
        let code = deployment.code(&[service.as_str().as_bytes(), b"\n", salt.0.as_bytes()]);
        Self(format!("{PREFIX}{}", STANDARD.encode(code)).into())
    }

    /// The secret as receivers hold it: `whsec_` and base64.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_depends_on_all_that_makes_it_and_is_not_shown() {
        let derive = |deployment: &[u8], service: &str, salt: u8| {
            let deployment = MacKey::from(deployment.to_vec());
            let salt = SecretSalt::new([salt; 16]);
            SigningSecret::derive(&deployment, &service.parse().unwrap(), &salt)
        };
        let secret = derive(b"deployment", "profiles", 1);
        assert_eq!(
            secret.expose(),
            derive(b"deployment", "profiles", 1).expose()
        );
        for other in [
            derive(b"another", "profiles", 1),
            derive(b"deployment", "other", 1),
            derive(b"deployment", "profiles", 2),
        ] {
            assert_ne!(secret.expose(), other.expose());
        }
        let bytes = secret.expose().strip_prefix("whsec_").unwrap();
        assert_eq!(STANDARD.decode(bytes).unwrap().len(), 32);
        assert_eq!(format!("{secret:?}"), "SigningSecret");
    }
}
