//! Points in time, to the microsecond.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::error::Violation;

/// A point in time. Its text is RFC 3339 in UTC with exactly six decimals, so that texts sort as
/// the times do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// 9999-12-30T22:00:00Z, the last that `jiff` knows: past that day the text would need a fifth digit
/// for the year.
const MAX_MICROS: i64 = 253_402_207_200_000_000;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// The time `micros` microseconds after 1970. Held within the years 1970 to 9999.
    pub fn from_micros(micros: i64) -> Self {
        Self(jiff::Timestamp::from_microsecond(micros.clamp(0, MAX_MICROS)).unwrap_or_default())
    }

    /// The time `seconds` seconds after 1970. Held within the years 1970 to 9999.
    pub fn from_seconds(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970.
    pub fn as_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Milliseconds since 1970.
    pub fn as_millis(self) -> u64 {
        self.0.as_millisecond().unsigned_abs()
    }

    /// Seconds since 1970: the unit of JWTs and of DynamoDB's TTL.
    pub fn as_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// The time `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.as_micros().saturating_add(micros))
    }

    /// The time `span` earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.as_micros().saturating_sub(micros))
    }

    /// How long until `later`; nothing if that is past.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_micros(u64::try_from(later.as_micros() - self.as_micros()).unwrap_or(0))
    }

    /// The least time that is neither before `now` nor at or before `previous`.
    #[must_use]
    pub fn after(now: Self, previous: Self) -> Self {
        now.max(previous.plus(Duration::from_micros(1)))
    }

    /// The calendar day in UTC, such as `2026-11-24`.
    pub fn day(self) -> String {
        self.to_string().chars().take(10).collect()
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        Self::from_micros(time.as_microsecond())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

impl FromStr for Timestamp {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        raw.parse::<jiff::Timestamp>()
            .map(Self::from)
            .map_err(|_| Violation::new("invalid-time", "is not an RFC 3339 time"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(|violation: Violation| D::Error::custom(violation.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_text_has_six_decimals() {
        assert_eq!(
            Timestamp::from_seconds(0).to_string(),
            "1970-01-01T00:00:00.000000Z"
        );
        assert_eq!(
            Timestamp::from_micros(1_700_000_000_120_000).to_string(),
            "2023-11-14T22:13:20.120000Z"
        );
    }

    #[test]
    fn a_time_out_of_range_is_held_at_its_end() {
        let last = Timestamp::from_micros(i64::MAX);
        assert_eq!(last.to_string(), "9999-12-30T22:00:00.000000Z");
        assert_eq!(last.plus(Duration::from_secs(1)), last);
        assert_eq!(Timestamp::from_micros(-1), Timestamp::from_micros(0));
    }

    proptest! {
        #[test]
        fn texts_sort_as_times_do(a in 0..MAX_MICROS, b in 0..MAX_MICROS) {
            let (a, b) = (Timestamp::from_micros(a), Timestamp::from_micros(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
            prop_assert_eq!(a.to_string().parse(), Ok(a));
        }

        #[test]
        fn after_moves_forward(now in 0..MAX_MICROS, previous in 0..MAX_MICROS - 1) {
            let (now, previous) = (Timestamp::from_micros(now), Timestamp::from_micros(previous));
            let after = Timestamp::after(now, previous);
            prop_assert!(after > previous && after >= now);
        }
    }
}
