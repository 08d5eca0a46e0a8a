//! Secrets which processes share, read again when the ring of keys changed.

use std::sync::Arc;

use domain::{
    DeploymentEpoch, Result,
    secrets::{MacKey, SecretRing},
};
use tokio::sync::Mutex;

use crate::{
    known_ring::KnownRing,
    ports::{Clock, SecretPurpose, Secrets, SecureRandom},
};

/// A shared secret of 256 random bits, whose versions take turns.
pub struct SharedSecret {
    purpose: SecretPurpose,
    ports: SecretPorts,
    known: Mutex<Option<Known>>,
}

/// Where secrets are from.
#[derive(Clone)]
pub struct SecretPorts {
    pub secrets: Arc<dyn Secrets>,
    /// Says when they change.
    pub ring: Arc<KnownRing>,
    pub random: Arc<dyn SecureRandom>,
    pub clock: Arc<dyn Clock>,
}

struct Known {
    secret: SecretRing,
    /// The version of the ring before the secret was read: they change in one transaction.
    ring: Option<u64>,
}

impl SharedSecret {
    /// The secret for `purpose`, made by the process that needs it first.
    pub fn new(purpose: SecretPurpose, ports: SecretPorts) -> Self {
        Self {
            purpose,
            ports,
            known: Mutex::default(),
        }
    }

    /// The secret, as it was not longer ago than access may lag. It is read at the first call, and after
    /// a change of the ring: to ask for the ring costs no read of its own where callers are checked.
    ///
    /// # Errors
    /// If it cannot be read, or made where there is none.
    pub async fn get(&self) -> Result<MacKey> {
        let ring = self.ports.ring.recent().await?.map(|ring| ring.version);
        let now = self.ports.clock.now();
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.ring == ring) {
            return Ok(known.secret.at(now));
        }
        let candidate = SecretRing::first(self.ports.random.bytes()?, now);
        let secret = self
            .ports
            .secrets
            .get_or_put(self.purpose, candidate)
            .await?;
        let key = secret.at(now);
        *known = Some(Known { secret, ring });
        Ok(key)
    }

    /// The epoch of the deployment, as it was not longer ago than access may lag.
    ///
    /// # Errors
    /// As [`KnownRing::recent`].
    pub async fn epoch(&self) -> Result<DeploymentEpoch> {
        self.ports.ring.epoch().await
    }
}
