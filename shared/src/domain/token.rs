//! One-time tokens: what a mail carries to prove that its reader reads the address.

use std::{fmt, str::FromStr, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Refusal, Timestamp, UserId};

/// What a token is good for, and nothing else. Each user has one slot for each purpose: a newer
/// token voids the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenPurpose {
    /// Choosing another password.
    PasswordReset,
    /// Proving the present address.
    EmailVerification,
    /// Proving the address asked for.
    EmailChange,
}

impl TokenPurpose {
    /// The name by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password-reset",
            Self::EmailVerification => "email-verification",
            Self::EmailChange => "email-change",
        }
    }

    /// How long a token is good: OWASP Forgot Password Cheat Sheet asks for short; the two that give
    /// nobody access may wait for a weekend's mail.
    pub fn lifetime(self) -> Duration {
        match self {
            Self::PasswordReset => Duration::from_hours(1),
            Self::EmailVerification | Self::EmailChange => Duration::from_hours(72),
        }
    }
}

/// A token: the user in the clear, and 256 random bits.
#[derive(Debug, Clone)]
pub struct OneTimeToken {
    /// Whose it is.
    pub user_id: UserId,
    secret: SecretSlice<u8>,
}

/// Octets of the secret.
const SECRET_LEN: usize = 32;

impl OneTimeToken {
    /// A token with this secret.
    pub fn new(user_id: UserId, secret: [u8; SECRET_LEN]) -> Self {
        Self {
            user_id,
            secret: secret.to_vec().into(),
        }
    }

    /// The token as a link carries it: base64url, 64 characters.
    pub fn encode(&self) -> SecretString {
        let user = self.user_id.as_uuid();
        BASE64_URL_SAFE_NO_PAD
            .encode([user.as_bytes(), self.secret.expose_secret()].concat())
            .into()
    }

    /// What is stored of it. The secret is random, so one round of a fast hash hides it for good.
    pub fn hash(&self) -> TokenHash {
        TokenHash(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.secret.expose_secret())))
    }

    /// The use of this token for `purpose` at `now`.
    pub fn spend(&self, purpose: TokenPurpose, now: Timestamp) -> TokenUse {
        TokenUse {
            user_id: self.user_id,
            purpose,
            hash: self.hash(),
            now,
        }
    }
}

impl FromStr for OneTimeToken {
    type Err = Refusal;

    /// What is no token of ours gets the answer of one that expired.
    fn from_str(raw: &str) -> Result<Self, Refusal> {
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode(raw)
            .map_err(|_| Refusal::TokenExpired)?;
        let (user, secret) = bytes.split_at_checked(16).ok_or(Refusal::TokenExpired)?;
        let user = Uuid::from_slice(user).map_err(|_| Refusal::TokenExpired)?;
        let secret = secret.try_into().map_err(|_| Refusal::TokenExpired)?;
        Ok(Self::new(UserId::from(user), secret))
    }
}

/// What is stored of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHash(String);

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The use of a token, written in one transaction with the change it permits: so it is used once,
/// and is not used up by a change that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUse {
    /// Whose.
    pub user_id: UserId,
    /// What for.
    pub purpose: TokenPurpose,
    /// Which.
    pub hash: TokenHash,
    /// When; the token must not have expired by then.
    pub now: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_mail() {
        let token = OneTimeToken::new(UserId::new(Timestamp::from_seconds(1), [3; 10]), [7; 32]);
        let link = token.encode();
        assert_eq!(link.expose_secret().len(), 64);
        let read: OneTimeToken = link.expose_secret().parse().unwrap();
        assert_eq!((read.user_id, read.hash()), (token.user_id, token.hash()));
        assert!(!format!("{token:?}").contains("[7, 7"));
    }

    #[test]
    fn anything_else_is_as_good_as_expired() {
        for raw in ["", "x", "####", &"A".repeat(63), &"A".repeat(66)] {
            assert_eq!(
                raw.parse::<OneTimeToken>().unwrap_err(),
                Refusal::TokenExpired,
                "{raw}"
            );
        }
    }
}
