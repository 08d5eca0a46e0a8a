//! Passwords, signing keys, access tokens and secrets of a [`FakeBackend`]: quick, and not secure.

use std::sync::Arc;

use application::ports::{
    AccessToken, AccessTokenClaims, KeyGenerator, PasswordHasher, SecretPurpose, Secrets,
    SecureRandom, SigningKeys, TokenIssuer, TokenTarget, TokenVerifier,
};
use async_trait::async_trait;
use domain::{
    Password, PasswordHash, Result, Session, Timestamp, User, history,
    keys::{KeyPair, KeyRing, PublicKey, Rotation},
    secrets::SecretRing,
};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};

use super::{FakeBackend, lock};

/// One round of SHA-256.
#[async_trait]
impl PasswordHasher for FakeBackend {
    async fn hash(&self, password: &Password) -> Result<PasswordHash> {
        let hash = quick_hash(password);
        self.call("hasher.hash", |_| Ok(hash)).await
    }

    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool> {
        let ours = quick_hash(password);
        let matches = hash.is_some_and(|hash| *hash == ours || *hash == foreign(&ours));
        self.call("hasher.verify", |_| Ok(matches)).await
    }

    fn is_current(&self, hash: &PasswordHash) -> bool {
        !hash.expose().starts_with(FOREIGN)
    }
}

impl FakeBackend {
    /// A hash of `password` that is not current, as an import brings it.
    pub fn foreign_hash(&self, password: &Password) -> PasswordHash {
        foreign(&quick_hash(password))
    }
}

/// The beginning of hashes that are not current.
const FOREIGN: &str = "foreign ";

fn foreign(hash: &PasswordHash) -> PasswordHash {
    PasswordHash::from_phc(format!("{FOREIGN}{}", hash.expose()))
}

pub(super) fn quick_hash(password: &Password) -> PasswordHash {
    let digest: [u8; 32] = Sha256::digest(password.expose().as_bytes()).into();
    PasswordHash::from_phc(history::Digest::from(digest).to_string())
}

#[async_trait]
impl SigningKeys for FakeBackend {
    async fn ring(&self) -> Result<Option<KeyRing>> {
        self.call("keys.ring", |state| Ok(state.ring.clone())).await
    }

    async fn private(&self, kid: &str) -> Result<Option<SecretSlice<u8>>> {
        self.call("keys.private", |state| {
            Ok(state.private_keys.get(kid).cloned().map(SecretSlice::from))
        })
        .await
    }

    async fn bootstrap(&self, first: &KeyPair) -> Result<KeyRing> {
        self.call("keys.bootstrap", |state| {
            if let Some(ring) = &state.ring {
                return Ok(ring.clone());
            }
            let kid = first.public.kid.clone();
            state
                .private_keys
                .insert(kid, first.private.expose_secret().to_vec());
            Ok(state
                .ring
                .insert(KeyRing::first(first.public.clone()))
                .clone())
        })
        .await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<bool> {
        self.call("keys.rotate", |state| {
            if state.ring.as_ref() == Some(&rotation.ring) {
                return Ok(true);
            }
            let follows = |ring: &KeyRing| ring.version + 1 == rotation.ring.version;
            if !state.ring.as_ref().is_some_and(follows) {
                return Ok(false);
            }
            for kid in &rotation.retired {
                state.private_keys.remove(kid);
            }
            if let Some(next) = &rotation.next {
                let private = next.private.expose_secret().to_vec();
                state.private_keys.insert(next.public.kid.clone(), private);
            }
            for (purpose, secret) in &rotation.secrets {
                state.secrets.insert(*purpose, secret.clone());
            }
            state.ring = Some(rotation.ring.clone());
            Ok(true)
        })
        .await
    }
}

/// Keys without numbers: they cannot sign.
impl KeyGenerator for FakeBackend {
    fn generate(&self, activates_at: Timestamp) -> Result<KeyPair> {
        let random: &dyn SecureRandom = self;
        Ok(KeyPair {
            public: PublicKey {
                kid: random.token()?,
                n: String::new(),
                e: String::new(),
                activates_at,
            },
            private: random.bytes::<32>()?.to_vec().into(),
        })
    }
}

#[async_trait]
impl Secrets for FakeBackend {
    async fn secret(&self, purpose: SecretPurpose) -> Result<Option<SecretRing>> {
        self.call("secrets.secret", |state| {
            Ok(state.secrets.get(&purpose).cloned())
        })
        .await
    }

    async fn get_or_put(
        &self,
        purpose: SecretPurpose,
        candidate: SecretRing,
    ) -> Result<SecretRing> {
        self.call("secrets.get_or_put", |state| {
            Ok(state.secrets.entry(purpose).or_insert(candidate).clone())
        })
        .await
    }
}

/// The keys of a backend for its [`KnownRing`](application::known_ring::KnownRing), whose readings are in
/// no trace: how often it reads depends on the time alone.
pub(super) struct QuietKeys(pub(super) Arc<FakeBackend>);

#[async_trait]
impl SigningKeys for QuietKeys {
    async fn ring(&self) -> Result<Option<KeyRing>> {
        Ok(lock(&self.0.state).ring.clone())
    }

    async fn private(&self, kid: &str) -> Result<Option<SecretSlice<u8>>> {
        self.0.private(kid).await
    }

    async fn bootstrap(&self, first: &KeyPair) -> Result<KeyRing> {
        self.0.bootstrap(first).await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<bool> {
        self.0.rotate(rotation).await
    }
}

/// Access tokens in clear text, for tests that are not about signatures. They do not expire.
#[async_trait]
impl TokenIssuer for FakeBackend {
    async fn issue(
        &self,
        target: TokenTarget<'_>,
        user: &User,
        session: &Session,
    ) -> Result<AccessToken> {
        // Another service's begins with its name, and is not read here.
        let token = match target.audience {
            Some(audience) => format!("{} {}", audience.as_str(), access_token(user, session)),
            None => access_token(user, session),
        };
        let token = AccessToken {
            token: token.into(),
            expires_in: 600,
        };
        self.call("tokens.sign", |_| Ok(token)).await
    }
}

#[async_trait]
impl TokenVerifier for FakeBackend {
    async fn verify(&self, _: &str, token: &str) -> Result<Option<AccessTokenClaims>> {
        let claims = read(token);
        self.call("tokens.verify", |_| Ok(claims)).await
    }

    /// No key signed it.
    async fn still_counts(&self, _: &AccessTokenClaims) -> Result<bool> {
        Ok(true)
    }
}

pub(super) fn access_token(user: &User, session: &Session) -> String {
    let auth_time = session.authenticated_at().as_micros();
    format!("{} {} {} {auth_time}", user.id, session.id, user.auth_epoch)
}

fn read(token: &str) -> Option<AccessTokenClaims> {
    let mut parts = token.split(' ');
    Some(AccessTokenClaims {
        kid: String::new(),
        user_id: parts.next()?.parse().ok()?,
        session_id: parts.next()?.parse().ok()?,
        epoch: parts.next()?.parse().ok()?,
        auth_time: Timestamp::from_micros(parts.next()?.parse().ok()?),
    })
}
