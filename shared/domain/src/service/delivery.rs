//! Deliveries: an event on its way to a service, and when the next attempt is due.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    super::{DomainEvent, EventId, EventKind, Timestamp, error::Violation},
    InstanceId, ServiceName,
};

/// How long an event is tried before its delivery is dead.
pub const GIVE_UP: Duration = Duration::from_hours(24);

/// How long the record of a delivery is kept: longer than what waits can wait, and as long as a
/// dead-letter queue keeps a message.
pub const KEPT: Duration = Duration::from_hours(14 * 24);

/// The shortest pause between two attempts.
const SHORTEST: Duration = Duration::from_secs(1);

/// The longest pause after a failed attempt.
const LONGEST: Duration = Duration::from_hours(1);

/// The longest time after which a service without a usable instance is looked at again.
const LOOK_AGAIN: Duration = Duration::from_mins(5);

/// An event for a service, as it waits in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub service: ServiceName,
    pub event: DomainEvent,
}

/// The pause after a failed attempt at what has waited for `age`: as long again, so the pauses double.
/// `jitter` makes it up to a fifth longer, so that what failed together is not tried together.
pub fn pause_after_failure(age: Duration, jitter: u8) -> Duration {
    let pause = age.clamp(SHORTEST, LONGEST);
    pause + pause.mul_f64(f64::from(jitter) / f64::from(u8::MAX) / 5.0)
}

/// The pause while no instance is usable: an eighth of what was waited, so an outage costs few looks and
/// its end is seen soon.
pub fn pause_without_instance(age: Duration) -> Duration {
    (age / 8).clamp(SHORTEST, LOOK_AGAIN)
}

/// What has become of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// It waits for its next attempt.
    Waiting,
    Delivered,
    /// It was given up, and can be sent again.
    Dead,
}

impl DeliveryState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl std::str::FromStr for DeliveryState {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        [Self::Waiting, Self::Delivered, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == raw)
            .ok_or_else(|| {
                Violation::new("invalid-state", "is not one of waiting, delivered, dead")
            })
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The receiver answered with this status.
    Answered(u16),
    /// There was no connection.
    Unreachable,
    /// The address is none that Roster may call.
    AddressRefused,
    /// No answer in time.
    TimedOut,
    /// What came back is no HTTP answer, or the connection broke.
    Broken,
}

impl Outcome {
    /// True if the receiver took it: any 2xx. A redirection is not followed, and is none.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }

    /// True if the receiver works, whatever it says of this request.
    pub fn is_alive(&self) -> bool {
        matches!(self, Self::Answered(..=499))
    }

    /// The status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(status) => Some(*status),
            _ => None,
        }
    }

    /// Why there was none.
    pub fn failure(&self) -> Option<&'static str> {
        match self {
            Self::Answered(_) => None,
            Self::Unreachable => Some("unreachable"),
            Self::AddressRefused => Some("address-refused"),
            Self::TimedOut => Some("timed-out"),
            Self::Broken => Some("broken"),
        }
    }
}

/// One attempt at a delivery. Nothing of what was sent or answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub at: Timestamp,
    pub instance: InstanceId,
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// What is known of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    pub event_id: EventId,
    pub kind: EventKind,
    pub state: DeliveryState,
    /// The oldest first.
    pub attempts: Vec<Attempt>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Looks at one message in a day, if `pause` says when the next is.
    fn looks(pause: impl Fn(Duration) -> Duration) -> Vec<Duration> {
        let (mut age, mut ages) = (Duration::ZERO, Vec::new());
        while age < GIVE_UP {
            ages.push(age);
            age += pause(age);
        }
        ages
    }

    #[test]
    fn a_failing_receiver_is_tried_less_and_less_for_a_day() {
        let ages = looks(|age| pause_after_failure(age, 0));
        let seconds: Vec<_> = ages.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds[..6], [0, 1, 2, 4, 8, 16]);
        assert!((30..=40).contains(&ages.len()), "{}", ages.len());
    }

    /// A message is received at most so often: `maxReceiveCount` in the template is more.
    #[test]
    fn an_outage_of_a_day_costs_few_looks() {
        let ages = looks(pause_without_instance);
        assert!(ages.len() < 500, "{}", ages.len());
    }

    proptest! {
        #[test]
        fn pauses_are_what_a_queue_takes(seconds in 0..90_000_u64, jitter: u8) {
            let age = Duration::from_secs(seconds);
            for pause in [pause_after_failure(age, jitter), pause_without_instance(age)] {
                prop_assert!((1..=4_320).contains(&pause.as_secs()));
            }
            prop_assert!(pause_without_instance(age) <= pause_after_failure(age, jitter));
        }
    }

    #[test]
    fn only_a_2xx_is_a_delivery() {
        for (outcome, success, alive) in [
            (Outcome::Answered(200), true, true),
            (Outcome::Answered(204), true, true),
            (Outcome::Answered(302), false, true),
            (Outcome::Answered(404), false, true),
            (Outcome::Answered(500), false, false),
            (Outcome::TimedOut, false, false),
            (Outcome::AddressRefused, false, false),
        ] {
            assert_eq!(
                (outcome.is_success(), outcome.is_alive()),
                (success, alive),
                "{outcome:?}"
            );
        }
    }
}
