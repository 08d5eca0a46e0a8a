//! `Idempotency-Key`: the same request again gives the first answer.

use std::{sync::Arc, time::Duration};

use domain::{Actor, Error, Refusal, Result, history::Digest};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::Value;
use sha2::Sha256;

use crate::{
    ports::{
        Claimed, Lease, LeaseKey, LeaseOptions, Leases, Purpose, SecretPurpose, Secrets,
        SecureRandom,
    },
    shared_secret::SharedSecret,
};

/// For how long a repetition gives the first answer.
const RETENTION: Duration = Duration::from_hours(24);

/// How long a request may run before a repetition takes it over: longer than its function's time-out.
const LEASE: Duration = Duration::from_secs(15);

/// A request that may be repeated.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    key: String,
    fingerprint: Vec<u8>,
}

impl IdempotencyKey {
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
    leases: Arc<dyn Leases>,
    secret: SharedSecret,
}

/// Where an idempotency_key request stands.
#[derive(Debug)]
pub enum Begun {
    /// Nobody carried it out yet; go on with what the lease reserved.
    Go(Lease),
    /// It was carried out; this came of it.
    Done(Value),
}

impl Idempotency {
    /// Records in `leases`, hidden by a secret of its own.
    pub fn new(
        leases: Arc<dyn Leases>,
        secrets: Arc<dyn Secrets>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        Self {
            leases,
            secret: SharedSecret::new(SecretPurpose::Idempotency, secrets, random),
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
        request: &IdempotencyKey,
        reserved: Value,
    ) -> Result<Begun> {
        let secret = self.secret.get().await?;
        let key = LeaseKey::new(
            purpose,
            mac(
                secret,
                &[actor.to_string().as_bytes(), request.key.as_bytes()],
            )?,
        );
        let options = LeaseOptions {
            fingerprint: mac(secret, &[&request.fingerprint])?,
            reserved,
            lease: LEASE,
            retention: RETENTION,
        };
        let same = |fingerprint: &str| {
            if fingerprint == options.fingerprint {
                Ok(())
            } else {
                Err(Error::from(Refusal::KeyReused))
            }
        };
        match self.leases.claim(&key, &options).await? {
            Claimed::Won(lease) => {
                if let Err(reused) = same(&lease.fingerprint) {
                    self.leases.release(&lease).await?;
                    return Err(reused);
                }
                Ok(Begun::Go(lease))
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
    pub async fn settle(&self, lease: &Lease, result: &Value) -> Result<()> {
        // False means that another process carried out the same request with the same ids.
        self.leases.settle(lease, result).await.map(|_| ())
    }

    /// Lets the next repetition carry the request out.
    pub async fn release(&self, lease: &Lease) -> Result<()> {
        self.leases.release(lease).await
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
