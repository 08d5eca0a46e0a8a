//! The epoch of a deployment: after a leak, nothing of before counts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// When the epoch of the deployment began: whatever was given to anybody before that is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeploymentEpoch(Timestamp);

impl DeploymentEpoch {
    /// That of a deployment of which nothing leaked.
    pub const FIRST: Self = Self(Timestamp::EPOCH);

    /// The epoch that begins at `time`. That is a little ahead of the decision, so that no process which
    /// has not heard of it yet gives anything that lasts.
    pub fn beginning(time: Timestamp) -> Self {
        Self(time)
    }

    /// When it began.
    pub fn began_at(self) -> Timestamp {
        self.0
    }

    /// A number that grows with each epoch; 0 for the first.
    pub fn number(self) -> u64 {
        self.0.as_millis()
    }

    /// True if what was given at `time` is void.
    pub fn voids(self, time: Timestamp) -> bool {
        time < self.0
    }

    /// How long nothing that lasts can be given at `now`, because the epoch is about to begin.
    pub fn begins_in(self, now: Timestamp) -> Option<Duration> {
        let micros = self.0.as_micros().checked_sub(now.as_micros())?;
        let micros = u64::try_from(micros).ok().filter(|micros| *micros > 0)?;
        Some(Duration::from_micros(micros))
    }
}

impl Default for DeploymentEpoch {
    fn default() -> Self {
        Self::FIRST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_before_the_epoch_began_is_void() {
        let at = Timestamp::from_seconds;
        let epoch = DeploymentEpoch::beginning(at(100));
        assert!(epoch.voids(at(99)));
        assert!(!epoch.voids(at(100)));
        assert!(!DeploymentEpoch::FIRST.voids(Timestamp::EPOCH));
        assert_eq!(epoch.begins_in(at(97)), Some(Duration::from_secs(3)));
        assert_eq!(epoch.begins_in(at(100)), None);
        assert_eq!(epoch.begins_in(at(101)), None);
    }
}
