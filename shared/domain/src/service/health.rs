//! The health of an instance, from checks and from deliveries: ejection after failures, and a slow
//! return.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{super::Timestamp, Weight};

/// Failures in a row after which an instance is out of use.
pub const EJECTED_AFTER: u32 = 3;

/// How long an instance that was out of use takes to have its whole share again.
pub const RETURN: Duration = Duration::from_mins(2);

/// The share, in percent, with which it begins.
const FIRST_SHARE: u64 = 10;

/// What is known of an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Health {
    /// Failures since the last success.
    pub failures: u32,
    /// Since when it is out of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ejected_at: Option<Timestamp>,
    /// When it came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<Timestamp>,
    /// How long its answers take, in microseconds: a mean in which the last counts for a quarter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<u64>,
    /// Counts the changes, so that of results which come at the same time one counts.
    pub revision: u64,
}

impl Health {
    /// The health after a success which took so long.
    #[must_use]
    pub fn succeeded(&self, took: Duration, now: Timestamp) -> Self {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX / 4);
        let latency = self.latency.map_or(took, |mean| mean / 4 * 3 + took / 4);
        Self {
            failures: 0,
            ejected_at: None,
            returned_at: self.ejected_at.map(|_| now).or(self.returned_at),
            latency: Some(latency),
            revision: self.revision + 1,
        }
    }

    /// The health after a failure. An instance on its way back goes at the first.
    #[must_use]
    pub fn failed(&self, now: Timestamp) -> Self {
        let failures = self.failures.saturating_add(1);
        let is_out = failures >= EJECTED_AFTER || self.is_returning(now);
        Self {
            failures,
            ejected_at: self.ejected_at.or(is_out.then_some(now)),
            returned_at: self.returned_at.filter(|_| !is_out),
            revision: self.revision + 1,
            ..self.clone()
        }
    }

    /// False while the instance is out of use.
    pub fn is_usable(&self) -> bool {
        self.ejected_at.is_none()
    }

    fn is_returning(&self, now: Timestamp) -> bool {
        self.returned_at.is_some_and(|at| at.plus(RETURN) > now)
    }

    /// What `weight` counts for now: nothing while the instance is out of use, and less than the whole
    /// while it returns. In hundredths.
    pub fn share(&self, weight: Weight, now: Timestamp) -> u64 {
        let weight = u64::from(weight);
        match self.returned_at {
            _ if !self.is_usable() => 0,
            Some(at) if self.is_returning(now) => {
                let seconds = at.until(now).as_secs();
                let share = (100 - FIRST_SHARE) * seconds / RETURN.as_secs();
                weight * (FIRST_SHARE + share)
            }
            _ => weight * 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAST: Duration = Duration::from_millis(1);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_000_000).plus(Duration::from_secs(seconds))
    }

    fn ejected() -> Health {
        (0..3).fold(Health::default(), |health, second| {
            health.failed(at(second))
        })
    }

    #[test]
    fn three_failures_in_a_row_eject_and_fewer_do_not() {
        let twice = Health::default().failed(at(0)).failed(at(1));
        assert!(twice.is_usable());
        assert!(twice.succeeded(FAST, at(2)).failed(at(3)).is_usable());
        assert_eq!(ejected().ejected_at, Some(at(2)));
        assert_eq!(
            ejected().failed(at(9)).ejected_at,
            Some(at(2)),
            "since the first time"
        );
    }

    #[test]
    fn the_share_grows_while_an_instance_returns() {
        assert_eq!(ejected().share(50, at(9)), 0);
        let back = ejected().succeeded(FAST, at(10));
        let shares = [10, 40, 70, 129, 130].map(|second| back.share(50, at(second)));
        assert_eq!(shares, [500, 1600, 2750, 4950, 5000]);
        assert!(
            !back.failed(at(20)).is_usable(),
            "the first failure on the way back"
        );
        assert!(back.failed(at(200)).is_usable());
    }

    proptest! {
        /// Whatever happened: an instance is out of use exactly if its share is nothing, a success
        /// brings it back, and three failures eject it.
        #[test]
        fn a_history_ends_as_its_end_says(
            results in prop::collection::vec((any::<bool>(), 0..1000_u64), 0..40),
            weight in 1..=100_u16,
        ) {
            let (mut health, mut now) = (Health::default(), at(0));
            let mut failures = 0;
            for (succeeded, seconds) in results {
                now = now.plus(Duration::from_secs(seconds));
                health = if succeeded { health.succeeded(FAST, now) } else { health.failed(now) };
                failures = if succeeded { 0 } else { failures + 1 };
                prop_assert_eq!(health.is_usable(), health.share(weight, now) > 0);
                prop_assert!(health.share(weight, now) <= 100 * u64::from(weight));
                prop_assert!(failures < 3 || !health.is_usable());
                prop_assert!(failures > 0 || health.is_usable());
            }
        }
    }
}
