//! The use case: the key that signs, and the secrets, give way to the next.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        cache::SharedCaches,
        ports::{Clock, KeyGenerator, Secrets, SecureRandom, SigningKeys},
    },
    domain::{
        DeploymentEpoch, Error, Result, SecretPurpose, Timestamp,
        keys::{KeyRing, PUBLISH_AHEAD, Rotation},
        secrets::SecretRing,
    },
};

/// How far clocks of processes may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(5);

pub struct RotateSigningKeys {
    pub keys: Arc<dyn SigningKeys>,
    pub secrets: Arc<dyn Secrets>,
    pub generator: Arc<dyn KeyGenerator>,
    pub random: Arc<dyn SecureRandom>,
    pub clock: Arc<dyn Clock>,
    /// Nobody knows who wrote into them before a leak was found.
    pub caches: SharedCaches,
    /// For how long each key and each secret is used.
    pub period: Duration,
    /// How old what a process knows may be.
    pub lag: Duration,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// What is due.
    Rotate,
    /// Every key gives way to a new one at once: one may have become known to others. Every access
    /// token dies when the last process has read the new ring, which access may lag.
    ReplaceKeys,
    /// Anything may have become known to others. Every key and every secret gives way to a new one, an
    /// epoch begins in which nothing counts that was given to anybody before, and caches are emptied.
    RevokeEverything,
}

impl RotateSigningKeys {
    /// Publishes the next key and the next versions of secrets some hours before their time, and forgets
    /// those whose tokens have all expired: in one transaction. Fine to run again, and at the same time:
    /// the ring changes once. Before the first key there is nothing to rotate; the first signer makes it.
    ///
    /// # Errors
    /// If another change of the ring came first; the next run looks again.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let now = self.clock.now();
        let rotation = match (self.keys.ring().await?, command) {
            (None, Command::Rotate | Command::ReplaceKeys) => None,
            (None, Command::RevokeEverything) => {
                // Links may be out before anybody signs in.
                let first = self.generator.generate(now)?;
                Some(self.new_epoch(&self.keys.bootstrap(&first).await?).await?)
            }
            (Some(ring), Command::Rotate) => self.rotation(&ring, now).await?,
            (Some(ring), Command::ReplaceKeys) => {
                Some(ring.replacement(self.generator.generate(now)?))
            }
            (Some(ring), Command::RevokeEverything) => Some(self.new_epoch(&ring).await?),
        };
        if let Some(rotation) = rotation {
            self.write(rotation).await?;
        }
        if command == Command::RevokeEverything {
            self.caches.empty().await?;
        }
        Ok(())
    }

    async fn rotation(&self, ring: &KeyRing, now: Timestamp) -> Result<Option<Rotation>> {
        let due = ring.is_due(now, self.period);
        let next = due.then(|| self.generator.generate(now.plus(PUBLISH_AHEAD)));
        let mut secrets = Vec::new();
        for (purpose, secret) in self.secrets().await? {
            let rotated = secret.rotated(purpose, now, self.period, || self.random.bytes())?;
            secrets.extend(rotated.map(|rotated| (purpose, rotated)));
        }
        Ok(ring.rotation(now, next.transpose()?, secrets))
    }

    /// The epoch begins when the last process has heard of it: until then one may give a session or a
    /// link, which must not outlive the leak.
    async fn new_epoch(&self, ring: &KeyRing) -> Result<Rotation> {
        let secrets = self.secrets().await?;
        let now = self.clock.now();
        let epoch = DeploymentEpoch::beginning(now.plus(self.lag).plus(CLOCK_SKEW));
        let fresh = secrets
            .into_iter()
            .map(|(purpose, _)| Ok((purpose, SecretRing::first(self.random.bytes()?, now))));
        let fresh = fresh.collect::<Result<_>>()?;
        Ok(ring.new_epoch(epoch, self.generator.generate(now)?, fresh))
    }

    /// The secrets that there are. The others are made by who needs them first.
    async fn secrets(&self) -> Result<Vec<(SecretPurpose, SecretRing)>> {
        let mut secrets = Vec::new();
        for purpose in SecretPurpose::ROTATING {
            let secret = self.secrets.secret(purpose).await?;
            secrets.extend(secret.map(|secret| (purpose, secret)));
        }
        Ok(secrets)
    }

    async fn write(&self, rotation: Rotation) -> Result<()> {
        if !self.keys.rotate(&rotation).await? {
            return Err(Error::internal("another change of the ring came first"));
        }
        let next = rotation.next.map(|next| next.public.kid);
        let secrets = rotation.secrets.iter();
        let secrets: Vec<_> = secrets.map(|(purpose, _)| purpose.as_str()).collect();
        let epoch = rotation.ring.epoch.began_at();
        tracing::info!(?next, retired = ?rotation.retired, ?secrets, %epoch, "the ring changed");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
