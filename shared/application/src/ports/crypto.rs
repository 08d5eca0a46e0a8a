//! Keys, secrets, access tokens and password hashes.

use async_trait::async_trait;
use domain::{
    Audience, Password, PasswordHash, Result, SecretPurpose, Session, SessionId, Timestamp, User,
    UserId,
    keys::{KeyPair, KeyRing, Rotation},
    secrets::SecretRing,
};
use secrecy::{SecretSlice, SecretString};

/// Keeps the keys that sign access tokens.
#[async_trait]
pub trait SigningKeys: Send + Sync {
    /// The published keys; none before the first was made. Strongly consistent.
    async fn ring(&self) -> Result<Option<KeyRing>>;

    /// The private half of a key: PKCS#8 DER.
    async fn private(&self, kid: &str) -> Result<Option<SecretSlice<u8>>>;

    /// Publishes the first key, unless another process was first. Returns the ring as it is then.
    async fn bootstrap(&self, first: &KeyPair) -> Result<KeyRing>;

    /// Writes a rotation, its secrets too, all of it or nothing, unless the ring changed since it was read. Returns true
    /// if the ring is that of the rotation now. Idempotent.
    async fn rotate(&self, rotation: &Rotation) -> Result<bool>;
}

/// Makes key pairs.
pub trait KeyGenerator: Send + Sync {
    /// A new key pair that signs from `activates_at` on.
    fn generate(&self, activates_at: Timestamp) -> Result<KeyPair>;
}

/// Keeps secrets which processes share, each 256 random bits made by the process that needs it first.
/// [`SigningKeys::rotate`] replaces their versions.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret for `purpose`, if there is one. Strongly consistent.
    async fn secret(&self, purpose: SecretPurpose) -> Result<Option<SecretRing>>;

    /// The secret for `purpose`: the stored one, or `candidate` if there was none.
    async fn get_or_put(&self, purpose: SecretPurpose, candidate: SecretRing)
    -> Result<SecretRing>;
}

/// Issues access tokens.
#[async_trait]
pub trait TokenIssuer: Send + Sync {
    /// A signed token for `session` of `user`.
    async fn issue(
        &self,
        target: TokenTarget<'_>,
        user: &User,
        session: &Session,
    ) -> Result<AccessToken>;
}

/// From whom and for whom an access token is.
#[derive(Debug, Clone, Copy)]
pub struct TokenTarget<'a> {
    /// Its `iss`.
    pub issuer: &'a str,
    /// Its `aud`; Roster itself if none.
    pub audience: Option<&'a Audience>,
}

/// For Roster itself.
impl<'a> From<&'a str> for TokenTarget<'a> {
    fn from(issuer: &'a str) -> Self {
        Self {
            issuer,
            audience: None,
        }
    }
}

/// A signed access token.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// A JWT (RFC 9068).
    pub token: SecretString,
    /// Seconds until it expires.
    pub expires_in: u64,
}

/// Verifies access tokens.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// The claims of a genuine, unexpired token from `issuer` for Roster itself; none for any other text. The keys are
    /// those known to this process: [`TokenVerifier::still_counts`] says if they are the present ones.
    async fn verify(&self, issuer: &str, token: &str) -> Result<Option<AccessTokenClaims>>;

    /// True unless the key that signed the token was withdrawn, longer ago than access may lag.
    async fn still_counts(&self, claims: &AccessTokenClaims) -> Result<bool>;
}

/// The claims that count here. Roles are not among them: they are read with the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTokenClaims {
    /// Id of the key that signed the token.
    pub kid: String,
    /// `sub`.
    pub user_id: UserId,
    /// `sid`.
    pub session_id: SessionId,
    /// The user's [`auth_epoch`](User::auth_epoch) when the token was signed.
    pub epoch: u64,
    /// When the user last proved to be the user.
    pub auth_time: Timestamp,
}

/// Hashes passwords, slowly on purpose.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// A fresh hash with its own salt.
    async fn hash(&self, password: &Password) -> Result<PasswordHash>;

    /// True if `password` gave `hash`. Without a hash the answer is false, at the same cost.
    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool>;

    /// True if `hash` is as a fresh one would be, but for the salt. If not, it should be replaced once
    /// the password is known: another system made it, or we did at another cost.
    fn is_current(&self, hash: &PasswordHash) -> bool;
}
