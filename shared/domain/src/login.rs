//! Logins: the keys by which a user signs in. Each is claimed by one user at a time.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Email, PasswordHash, UserId, Version};

/// The number of logins a user may have, the address included. One transaction erases them all; it
/// may have 100 writes.
pub const MAX_LOGINS: usize = 10;

/// The number of unlinked identities which are remembered of a user: each makes the user's item larger.
pub const MAX_UNLINKED: usize = 10;

/// The key of a login, unique among all users.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoginKey {
    /// The user's address; proven by password.
    Email(Email),
    /// An identity at an OpenID provider.
    Oidc {
        /// The provider's issuer identifier.
        issuer: String,
        /// The provider's `sub`.
        subject: String,
    },
}

impl fmt::Display for LoginKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(email) => write!(f, "email#{email}"),
            Self::Oidc { issuer, subject } => write!(f, "oidc#{issuer}#{subject}"),
        }
    }
}

/// Reads a stored key; the address in it is taken as it is.
impl FromStr for LoginKey {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let unknown = || "is not a login".to_owned();
        match raw.split_once('#').ok_or_else(unknown)? {
            ("email", email) => Ok(Self::Email(Email::stored(email.to_owned()))),
            // An issuer is a URL without fragment (OpenID Connect Core 1.0, 2), so the first # ends it.
            ("oidc", identity) => {
                let (issuer, subject) = identity.split_once('#').ok_or_else(unknown)?;
                Ok(Self::Oidc {
                    issuer: issuer.to_owned(),
                    subject: subject.to_owned(),
                })
            }
            _ => Err(unknown()),
        }
    }
}

impl Serialize for LoginKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LoginKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// A claimed login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Unique among all users.
    pub key: LoginKey,
    /// The user who claimed it.
    pub user_id: UserId,
    /// The hash of the password; none for an external identity.
    pub password: Option<PasswordHash>,
    /// The user's [`password_version`](crate::User::password_version) when the password was set. A reader
    /// of both who finds two has read two states and looks again.
    pub password_version: Option<Version>,
}

/// What a change of a user does to logins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginChange {
    /// Takes a login which nobody has.
    Claim(LoginKey, Option<PasswordHash>),
    /// Replaces the password of a login of this user.
    SetPassword(LoginKey, PasswordHash),
    /// Removes the password of a login of this user.
    RemovePassword(LoginKey),
    /// Frees a login of this user.
    Release(LoginKey),
    /// Takes a login over from the user whom the same change erases.
    TakeOver {
        key: LoginKey,
        password: Option<PasswordHash>,
        from: UserId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_text() {
        for raw in [
            "email#ann@example.com",
            "email#an address which later rules refuse",
            "oidc#https://accounts.example.com/a#sub#with#hash",
        ] {
            assert_eq!(raw.parse::<LoginKey>().unwrap().to_string(), raw);
        }
        for raw in ["", "email", "oidc#https://a", "phone#1"] {
            assert!(raw.parse::<LoginKey>().is_err(), "{raw}");
        }
    }
}
