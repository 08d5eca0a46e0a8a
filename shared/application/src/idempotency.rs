//! `Idempotency-Key`: the same request again gets the first answer.

use std::{future::Future, sync::Arc, time::Duration};

use domain::{Actor, Error, Refusal, Result, attempt::AttemptKey, history::Digest, mac::MacKey};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    ports::{Claimed, LeaseKey, LeaseOptions, Leases, Purpose, SecretPurpose},
    shared_secret::{SecretPorts, SharedSecret},
};

/// How long a repetition gets the first answer.
const RETENTION: Duration = Duration::from_hours(24);

/// How long a request may run before a repetition takes it over: longer than the time-out of its
/// function in the template.
pub const LEASE: Duration = Duration::from_secs(15);

/// The key of a request, and the request.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    key: String,
    fingerprint: Vec<u8>,
}

impl IdempotencyKey {
    /// The counter of repetitions by `actor`.
    pub fn repetitions(&self, actor: Actor) -> AttemptKey {
        AttemptKey::of_request(actor, &self.key)
    }

    /// The key of a request. `fingerprint` is the same only for the same request.
    pub fn new(key: &str, fingerprint: &[u8]) -> Self {
        Self {
            key: key.to_owned(),
            fingerprint: fingerprint.to_vec(),
        }
    }
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once<T, R> {
    /// It was executed now.
    First(T),
    /// It was executed before, and this was recorded.
    Again(R),
}

/// Executes each request once.
pub struct Idempotency {
    leases: Arc<dyn Leases>,
    secret: SharedSecret,
}

impl Idempotency {
    /// Records in `leases`; keys and bodies are stored as HMACs with a secret of their own.
    pub fn new(leases: Arc<dyn Leases>, secrets: SecretPorts) -> Self {
        Self {
            leases,
            secret: SharedSecret::new(SecretPurpose::Idempotency, secrets),
        }
    }

    /// Executes a request, unless it was executed before. `reserved` is recorded first: `execute` gets
    /// what the first attempt reserved, so that all attempts write the same. `record` says what is
    /// recorded of the outcome; after `None` a repetition tries again.
    ///
    /// Keys of two actors never meet. Nobody knows one stranger from another, so theirs meet only with the
    /// same request: with another one, the key is another key.
    ///
    /// # Errors
    /// `KeyReused` if the key came with another body, `StillRunning` while the first request runs, and
    /// those of `execute`.
    pub async fn once<I, T, R, F>(
        &self,
        (purpose, actor, key): (Purpose, Actor, &IdempotencyKey),
        reserved: I,
        execute: impl FnOnce(I) -> F,
        record: impl FnOnce(&Result<T>) -> Option<R>,
    ) -> Result<Once<T, R>>
    where
        I: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Future<Output = Result<T>>,
    {
        let (lease_key, fingerprint) = self.lease_key(purpose, actor, key).await?;
        let options = LeaseOptions {
            fingerprint,
            reserved: serde_json::to_value(reserved).map_err(Error::caused_by)?,
            lease: LEASE,
            retention: RETENTION,
        };
        let is_same = |fingerprint: &str| fingerprint == options.fingerprint;
        let lease = match self.leases.claim(&lease_key, &options).await? {
            Claimed::Won(lease) if is_same(&lease.fingerprint) => lease,
            Claimed::Won(lease) => {
                self.leases.release(&lease).await?;
                return Err(Refusal::KeyReused.into());
            }
            Claimed::Running { fingerprint } if is_same(&fingerprint) => {
                return Err(Refusal::StillRunning.into());
            }
            Claimed::Done(settled) if is_same(&settled.fingerprint) => {
                let record = serde_json::from_value(settled.result).map_err(Error::caused_by)?;
                return Ok(Once::Again(record));
            }
            Claimed::Running { .. } | Claimed::Done(_) => return Err(Refusal::KeyReused.into()),
        };
        let reserved = serde_json::from_value(lease.reserved.clone()).map_err(Error::caused_by)?;
        let outcome = execute(reserved).await;
        match record(&outcome) {
            Some(record) => {
                let record = serde_json::to_value(record).map_err(Error::caused_by)?;
                // False if another process executed the same request with the same reserved values.
                self.leases.settle(&lease, &record).await?;
            }
            None => self.leases.release(&lease).await?,
        }
        outcome.map(Once::First)
    }
    /// The lease of a request, and what distinguishes the request under it: by the version of the secret
    /// with which it came first. Older versions are tried only around a rotation.
    async fn lease_key(
        &self,
        purpose: Purpose,
        actor: Actor,
        key: &IdempotencyKey,
    ) -> Result<(LeaseKey, String)> {
        let secret = self.secret.get().await?;
        let name = actor.to_string();
        let mut parts = vec![name.as_bytes(), key.key.as_bytes()];
        if actor == Actor::Anonymous {
            parts.push(&key.fingerprint);
        }
        let keys = macs(&secret, &parts);
        let fingerprints = macs(&secret, &[&key.fingerprint]);
        let mut versions = keys
            .into_iter()
            .map(|key| LeaseKey::new(purpose, key))
            .zip(fingerprints);
        let current = versions.next();
        for older in versions {
            if self.leases.exists(&older.0).await? {
                return Ok(older);
            }
        }
        current.ok_or_else(|| Error::internal("a secret has no version"))
    }
}

/// HMAC-SHA-256 over parts with their lengths, in hexadecimal, by each version of `secret`.
fn macs(secret: &MacKey, parts: &[&[u8]]) -> Vec<String> {
    let lengths: Vec<_> = parts
        .iter()
        .map(|part| (part.len() as u64).to_be_bytes())
        .collect();
    let covered: Vec<&[u8]> = lengths
        .iter()
        .zip(parts)
        .flat_map(|(length, part)| [&length[..], part])
        .collect();
    let codes = secret.codes(&covered).into_iter();
    codes
        .filter_map(|code| <[u8; 32]>::try_from(code).ok())
        .map(|code| Digest::from(code).to_string())
        .collect()
}
