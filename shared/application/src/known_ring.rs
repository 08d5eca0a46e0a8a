//! The ring of signing keys, and the epoch of the deployment with it, as a process knows them.

use std::{sync::Arc, time::Duration};

use domain::{
    DeploymentEpoch, Error, Result, Timestamp,
    error::Causes,
    keys::{KeyPair, KeyRing},
};
use secrecy::SecretSlice;
use tokio::sync::Mutex;

use crate::ports::{Clock, SigningKeys};

/// A process reads the ring no more often for its age, even where access may not lag at all.
const SHORTEST_LAG: Duration = Duration::from_secs(1);

/// So many unknown key ids are looked for at once, for each time that the ring is read for its age.
const LOOKUPS: u32 = 5;

/// The ring, read anew when it is older than access may lag.
pub struct KnownRing {
    keys: Arc<dyn SigningKeys>,
    clock: Arc<dyn Clock>,
    lag: Duration,
    known: Mutex<Option<Known>>,
}

struct Known {
    ring: Arc<KeyRing>,
    /// When the table was asked last because of the age of the ring, with or without an answer.
    asked_at: Timestamp,
    /// Lookups of unknown key ids that are left until then.
    lookups: u32,
}

impl KnownRing {
    /// The ring in `keys`, as it was not longer ago than `lag`, or a second.
    pub fn new(keys: Arc<dyn SigningKeys>, clock: Arc<dyn Clock>, lag: Duration) -> Self {
        Self {
            keys,
            clock,
            lag: lag.max(SHORTEST_LAG),
            known: Mutex::default(),
        }
    }

    /// The ring, not older than access may lag; none before the first key was made.
    ///
    /// # Errors
    /// If the ring cannot be read and none is known.
    pub async fn recent(&self) -> Result<Option<Arc<KeyRing>>> {
        self.get_if(|known, now| known.asked_at.plus(self.lag) > now)
            .await
    }

    /// The epoch of the deployment, as of [`KnownRing::recent`].
    ///
    /// # Errors
    /// As [`KnownRing::recent`].
    pub async fn epoch(&self) -> Result<DeploymentEpoch> {
        let ring = self.recent().await?;
        Ok(ring.map_or(DeploymentEpoch::FIRST, |ring| ring.epoch))
    }

    /// The ring with the key `kid`, of any age: [`KnownRing::recent`] says whether the key is still in it.
    /// If it is not in the known ring, the ring is read at once: it may be the first token that a new key
    /// signed. Whoever invents ids causes a few such reads, and then none until the ring is read for its
    /// age.
    ///
    /// # Errors
    /// As [`KnownRing::recent`].
    pub async fn with_key(&self, kid: &str) -> Result<Option<Arc<KeyRing>>> {
        self.get_if(|known, now| {
            known.ring.find(kid).is_some()
                || known.lookups == 0 && known.asked_at.plus(self.lag) > now
        })
        .await
    }

    /// The private half of a key: PKCS#8 DER.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn private(&self, kid: &str) -> Result<Option<SecretSlice<u8>>> {
        self.keys.private(kid).await
    }

    /// Publishes the first key, unless another process was first.
    ///
    /// # Errors
    /// If the ring can neither be written nor read.
    pub async fn bootstrap(&self, first: &KeyPair) -> Result<Arc<KeyRing>> {
        let ring = Arc::new(self.keys.bootstrap(first).await?);
        *self.known.lock().await = Some(Known::new(ring.clone(), self.clock.now()));
        Ok(ring)
    }

    /// The known ring if it is `enough`, or else a fresh one. If that cannot be read, the known one
    /// stays in use: an error says nothing about its keys, and users and sessions are checked apart.
    async fn get_if(
        &self,
        enough: impl FnOnce(&Known, Timestamp) -> bool + Send,
    ) -> Result<Option<Arc<KeyRing>>> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some(known) = known.as_ref().filter(|known| enough(known, now)) {
            return Ok(Some(known.ring.clone()));
        }
        match (self.keys.ring().await, known.as_mut()) {
            (Ok(Some(ring)), Some(known)) => {
                known.ring = Arc::new(ring);
                known.asked(self.lag, now);
            }
            (Ok(ring), _) => *known = ring.map(|ring| Known::new(Arc::new(ring), now)),
            (Err(error), None) => return Err(error),
            (Err(error), Some(known)) => known.keep(&error, self.lag, now),
        }
        Ok(known.as_ref().map(|known| known.ring.clone()))
    }
}

impl Known {
    fn new(ring: Arc<KeyRing>, now: Timestamp) -> Self {
        Self {
            ring,
            asked_at: now,
            lookups: LOOKUPS,
        }
    }

    /// Notes that the table was asked at `now`. A lookup before the ring was old is one of a few, and the
    /// ring is read for its age when it would have been.
    fn asked(&mut self, lag: Duration, now: Timestamp) {
        if self.asked_at.plus(lag) <= now {
            self.asked_at = now;
            self.lookups = LOOKUPS;
        } else {
            self.lookups = self.lookups.saturating_sub(1);
        }
    }

    /// Keeps this ring for a while, since there was no answer.
    fn keep(&mut self, error: &Error, lag: Duration, now: Timestamp) {
        tracing::warn!(error = %Causes(error), "the signing keys were not read; the known ones stay in use");
        self.asked(lag, now);
    }
}

#[cfg(test)]
mod tests;
