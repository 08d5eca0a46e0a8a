//! Points in time, to the microsecond.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{
    SignedDuration,
    civil::{DateTime, datetime},
    fmt::temporal::Pieces,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::error::Violation;

/// A point in time: microseconds since 1970. Its text is RFC 3339 in UTC with exactly six decimals, so
/// that texts sort as the times do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 0000-01-01T00:00:00Z, the first that RFC 3339 can write.
const MIN_MICROS: i64 = -62_167_219_200_000_000;

/// 9999-12-31T23:59:59.999999Z, the last that RFC 3339 can write.
const MAX_MICROS: i64 = 253_402_300_799_999_999;

/// The calendar's date at [`Timestamp::EPOCH`]. Not `jiff`'s own time, whose range ends a day before.
const EPOCH: DateTime = datetime(1970, 1, 1, 0, 0, 0, 0);

/// The bytes of an RFC 3339 time up to the second.
const TO_SECOND: usize = 19;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The time `micros` microseconds after 1970. Held within the years 0000 to 9999.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(MIN_MICROS, MAX_MICROS))
    }

    /// The time `seconds` seconds after 1970. Held within the years 0000 to 9999.
    pub fn from_seconds(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970; none before.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0 / 1_000).unwrap_or(0)
    }

    /// Seconds since 1970: the unit of JWTs and of DynamoDB's TTL.
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
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
        write!(
            f,
            "{:.6}Z",
            EPOCH.saturating_add(SignedDuration::from_micros(self.0))
        )
    }
}

impl FromStr for Timestamp {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        read(raw).map(Self).ok_or_else(|| {
            let message = "is not an RFC 3339 time of the years 0000 to 9999 in UTC";
            Violation::new("invalid-time", message)
        })
    }
}

/// The microseconds of an RFC 3339 time; further decimals are cut off.
fn read(raw: &str) -> Option<i64> {
    let to_second = raw.as_bytes().get(..TO_SECOND)?;
    let is_in_place = to_second.iter().enumerate().all(|(at, byte)| match at {
        4 | 7 => *byte == b'-',
        10 => matches!(byte, b'T' | b't' | b' '),
        13 | 16 => *byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let pieces = Pieces::parse(raw).ok().filter(|_| is_in_place)?;
    let offset = i64::from(pieces.to_numeric_offset()?.seconds()) * 1_000_000;
    let local = pieces.date().to_datetime(pieces.time()?);
    let micros = |local: DateTime| {
        let nanos = local.duration_since(EPOCH).as_nanos();
        i64::try_from(nanos.div_euclid(1_000)).ok()
    };
    let micros = if to_second.ends_with(b"60") {
        // `jiff` reads 23:59:59. It becomes the last moment of that second.
        let last = micros(local.with().subsec_nanosecond(999_999_000).build().ok()?)? - offset;
        Some(last).filter(|last| may_be_leap_second(*last))?
    } else {
        micros(local)? - offset
    };
    (MIN_MICROS..=MAX_MICROS)
        .contains(&micros)
        .then_some(micros)
}

/// RFC 3339, 5.7: a minute has a 61st second at the end of June or of December in UTC, if ever.
fn may_be_leap_second(micros: i64) -> bool {
    let end = EPOCH.saturating_add(SignedDuration::from_micros(micros));
    matches!((end.month(), end.day()), (6, 30) | (12, 31)) && (end.hour(), end.minute()) == (23, 59)
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
        assert_eq!(last.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(last.plus(Duration::from_secs(1)), last);
        let first = Timestamp::from_micros(i64::MIN);
        assert_eq!(first.to_string(), "0000-01-01T00:00:00.000000Z");
        assert_eq!(first.minus(Duration::from_secs(1)), first);
    }

    fn read(raw: &str) -> Result<String, &'static str> {
        let time = raw.parse::<Timestamp>();
        time.map(|time| time.to_string())
            .map_err(|violation| violation.code)
    }

    #[test]
    fn times_are_read_as_far_as_the_standard_goes() {
        for (raw, expected) in [
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000Z"),
            (
                "9999-12-31T23:59:59.9999999Z",
                "9999-12-31T23:59:59.999999Z",
            ),
            (
                "9999-12-31T23:59:59.999999+01:00",
                "9999-12-31T22:59:59.999999Z",
            ),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
            ("1969-07-20T20:17:40Z", "1969-07-20T20:17:40.000000Z"),
            (
                "1969-12-31T23:59:59.9999995Z",
                "1969-12-31T23:59:59.999999Z",
            ),
            ("2020-02-29t00:00:00.5z", "2020-02-29T00:00:00.500000Z"),
            ("2020-02-29 00:00:00-00:00", "2020-02-29T00:00:00.000000Z"),
        ] {
            assert_eq!(read(raw).as_deref(), Ok(expected), "{raw}");
        }
    }

    #[test]
    fn a_leap_second_is_where_there_may_be_one() {
        let end = "2016-12-31T23:59:59.999999Z";
        for raw in [
            "2016-12-31T23:59:60Z",
            "2016-12-31T23:59:60.7Z",
            "2017-01-01T00:59:60+01:00",
            "2016-12-31T15:59:60-08:00",
        ] {
            assert_eq!(read(raw).as_deref(), Ok(end), "{raw}");
        }
        assert!(read("2015-06-30T23:59:60Z").is_ok());
        for raw in [
            "2016-12-31T23:59:60+01:00",
            "2016-12-31T22:59:60Z",
            "2016-12-30T23:59:60Z",
            "2016-11-30T23:59:60Z",
            "2016-12-31T23:59:61Z",
        ] {
            assert_eq!(read(raw), Err("invalid-time"), "{raw}");
        }
    }

    #[test]
    fn what_the_standard_does_not_know_is_no_time() {
        for raw in [
            "",
            "today",
            "2020-01-01",
            "2020-01-01T00:00:00",
            "2020-01-01T00:00Z",
            "20200101T000000Z",
            "2019-02-29T00:00:00Z",
            "2020-01-01T24:00:00Z",
            "+10000-01-01T00:00:00Z",
            "-0001-12-31T23:59:59Z",
            "9999-12-31T23:59:59-00:01",
            "0000-01-01T00:00:00+00:01",
        ] {
            assert_eq!(read(raw), Err("invalid-time"), "{raw}");
        }
    }

    #[test]
    fn seconds_and_milliseconds_before_1970_are_told() {
        let before = Timestamp::from_micros(-1);
        assert_eq!((before.as_seconds(), before.as_millis()), (-1, 0));
    }

    proptest! {
        #[test]
        fn texts_sort_as_times_do(a in MIN_MICROS..MAX_MICROS, b in MIN_MICROS..MAX_MICROS) {
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
