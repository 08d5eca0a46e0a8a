//! The keys by which a provider signs (RFC 7517).

use domain::{Result, Timestamp};
use jsonwebtoken::{
    Algorithm,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::web::Web;

/// The keys of a provider.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Keys {
    keys: Vec<Jwk>,
    pub(super) fetched_at: Timestamp,
}

/// A key set as it is published.
#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

impl Keys {
    /// Reads the keys at `uri`. Those of kinds unknown here are left out (RFC 7517, 5).
    ///
    /// # Errors
    /// `ProviderUnavailable`.
    pub(super) async fn fetch(web: &Web, uri: &str, now: Timestamp) -> Result<Self> {
        let published: Published = web.get(uri, None).await?;
        let keys = published.keys.into_iter();
        Ok(Self {
            keys: keys
                .filter_map(|key| serde_json::from_value(key).ok())
                .collect(),
            fetched_at: now,
        })
    }

    /// Whether there is a key of this name. A token that names none asks for no certain one.
    pub(super) fn has(&self, kid: Option<&str>) -> bool {
        kid.is_none()
            || self
                .keys
                .iter()
                .any(|key| key.common.key_id.as_deref() == kid)
    }

    /// The key of this name, if signatures of `alg` may be made by it. Without a name, the only key of
    /// which that is true (OpenID Connect Core 1.0, 10.1).
    pub(super) fn find(&self, kid: Option<&str>, alg: Algorithm) -> Option<&Jwk> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| fits(key, alg) && (kid.is_none() || key.common.key_id.as_deref() == kid));
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first)
    }
}

/// Whether the key is for signatures of this algorithm. A key used by another algorithm than it was
/// made for is how signatures get forged (RFC 8725, 3.1).
fn fits(key: &Jwk, alg: Algorithm) -> bool {
    let is_of_kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => matches!(
            alg,
            Algorithm::RS256
                | Algorithm::RS384
                | Algorithm::RS512
                | Algorithm::PS256
                | Algorithm::PS384
                | Algorithm::PS512
        ),
        AlgorithmParameters::EllipticCurve(key) => matches!(
            (&key.curve, alg),
            (EllipticCurve::P256, Algorithm::ES256) | (EllipticCurve::P384, Algorithm::ES384)
        ),
        AlgorithmParameters::OctetKeyPair(key) => {
            key.curve == EllipticCurve::Ed25519 && alg == Algorithm::EdDSA
        }
        _ => false,
    };
    let common = &key.common;
    let signs = common.public_key_use.as_ref();
    let verifies = common.key_operations.as_ref();
    is_of_kind
        && signs.is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
        && verifies.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
        && common
            .key_algorithm
            .is_none_or(|own| own == KeyAlgorithm::from(alg))
}
