//! `Idempotency-Key`: the same request again gives the first answer.

use std::{sync::Arc, time::Duration};

use domain::{Actor, Error, Refusal, Result, history::Digest};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::Value;
use sha2::Sha256;

use crate::{
    ports::{Claim, ClaimKey, Claimed, Claims, Entropy, Purpose, SecretPurpose, Secrets, Terms},
    shared_secret::SharedSecret,
};

/// For how long a repetition gives the first answer.
const RETENTION: Duration = Duration::from_hours(24);

/// How long a request may run before a repetition takes it over: longer than its function's time-out.
const LEASE: Duration = Duration::from_secs(15);

/// A request that may be repeated.
#[derive(Debug, Clone)]
pub struct Repeatable {
    key: String,
    fingerprint: Vec<u8>,
}

impl Repeatable {
    /// A request with this key, told apart from others by `fingerprint`.
    pub fn new(key: &str, fingerprint: &[u8]) -> Self {
        Self {
            key: key.to_owned(),
            fingerprint: fingerprint.to_vec(),
        }
    }
}

/// Keeps the records.
pub struct Idempotency {
    claims: Arc<dyn Claims>,
    secret: SharedSecret,
}

/// Where a repeatable request stands.
#[derive(Debug)]
pub enum Begun {
    /// Nobody carried it out yet; go on with what the claim reserved.
    Go(Claim),
    /// It was carried out; this came of it.
    Done(Value),
}

impl Idempotency {
    /// Records in `claims`, hidden by a secret of its own.
    pub fn new(
        claims: Arc<dyn Claims>,
        secrets: Arc<dyn Secrets>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            claims,
            secret: SharedSecret::new(SecretPurpose::Idempotency, secrets, entropy),
        }
    }

    /// Fetches the secret, so that the first request does not have to.
    pub async fn warm_up(&self) -> Result<()> {
        self.secret.get().await.map(|_| ())
    }

    /// Begins a request, or finds out what came of it. Keys of two callers never meet.
    ///
    /// # Errors
    /// `KeyReused` if the key came with another body, `StillRunning` if it is being carried out.
    pub async fn begin(
        &self,
        purpose: Purpose,
        actor: Actor,
        request: &Repeatable,
        reserved: Value,
    ) -> Result<Begun> {
        let secret = self.secret.get().await?;
        let key = ClaimKey::new(
            purpose,
            mac(
                secret,
                &[actor.to_string().as_bytes(), request.key.as_bytes()],
            )?,
        );
        let terms = Terms {
            fingerprint: mac(secret, &[&request.fingerprint])?,
            reserved,
            lease: LEASE,
            retention: RETENTION,
        };
        let same = |fingerprint: &str| {
            if fingerprint == terms.fingerprint {
                Ok(())
            } else {
                Err(Error::from(Refusal::KeyReused))
            }
        };
        match self.claims.claim(&key, &terms).await? {
            Claimed::Won(claim) => {
                if let Err(reused) = same(&claim.fingerprint) {
                    self.claims.release(&claim).await?;
                    return Err(reused);
                }
                Ok(Begun::Go(claim))
            }
            Claimed::Running { fingerprint } => {
                same(&fingerprint).and(Err(Refusal::StillRunning.into()))
            }
            Claimed::Done(settled) => {
                same(&settled.fingerprint).map(|()| Begun::Done(settled.result))
            }
        }
    }

    /// Records what came of a request.
    pub async fn settle(&self, claim: &Claim, result: &Value) -> Result<()> {
        // False means that another process carried out the same request with the same ids.
        self.claims.settle(claim, result).await.map(|_| ())
    }

    /// Lets the next repetition carry the request out.
    pub async fn release(&self, claim: &Claim) -> Result<()> {
        self.claims.release(claim).await
    }
}

/// HMAC-SHA-256 over parts with their lengths, in hexadecimal.
fn mac(secret: &SecretSlice<u8>, parts: &[&[u8]]) -> Result<String> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose_secret()).map_err(Error::caused_by)?;
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    let bytes: [u8; 32] = mac.finalize().into_bytes().into();
    Ok(Digest::from(bytes).to_string())
}
