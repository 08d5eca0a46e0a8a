//! Secrets which processes share, read again when the ring of keys changed.

use std::sync::Arc;

use domain::{DeploymentEpoch, Result, mac::MacKey, secrets::SecretRing};
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

/// The version of a ring before its first change.
const FIRST_RING: u64 = 1;

struct Known {
    secret: SecretRing,
    /// The version of the ring before the secret was read: they change in one transaction.
    ring: u64,
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
    /// a change of the ring: to ask for the ring costs no read of its own where callers are checked. One
    /// whose versions do not take turns is read once, and the ring never.
    ///
    /// # Errors
    /// If it cannot be read, or made where there is none.
    pub async fn get(&self) -> Result<MacKey> {
        let ring = if self.purpose.rotates() {
            self.ring_version().await?
        } else {
            FIRST_RING
        };
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

    /// Secrets change with the second ring at the earliest: no ring yet is as good as the first one.
    async fn ring_version(&self) -> Result<u64> {
        let ring = self.ports.ring.recent().await?;
        Ok(ring.map_or(FIRST_RING, |ring| ring.version))
    }

    /// The epoch of the deployment, as it was not longer ago than access may lag.
    ///
    /// # Errors
    /// As [`KnownRing::recent`].
    pub async fn epoch(&self) -> Result<DeploymentEpoch> {
        self.ports.ring.epoch().await
    }
}
