//! Defaults of fields of the model, and how those are read which have another form in the template.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::{model::DEFAULT_BUS, names};
use crate::pattern::Pattern;

pub(super) fn default_timeout() -> u64 {
    3
}

pub(super) fn default_memory() -> u32 {
    128
}

pub(super) fn default_batch_size() -> usize {
    100
}

pub(super) fn default_queue_batch_size() -> usize {
    10
}

pub(super) fn default_visibility() -> u64 {
    30
}

pub(super) fn default_retention() -> u64 {
    4 * 24 * 60 * 60
}

pub(super) fn default_bus() -> String {
    DEFAULT_BUS.to_owned()
}

/// A scalar, which `CloudFormation` takes as a text.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(super) struct Text(pub(super) String);

impl TryFrom<Value> for Text {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        names::text(value).map(Self).ok_or("must be a text")
    }
}

pub(super) fn texts<'de, D: Deserializer<'de>>(
    field: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let texts = BTreeMap::<String, Text>::deserialize(field)?.into_iter();
    Ok(texts.map(|(name, text)| (name, text.0)).collect())
}

pub(super) fn async_retries<'de, D: Deserializer<'de>>(field: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(field)? {
        retries @ 0..=2 => Ok(Some(retries)),
        _ => Err(D::Error::custom("Lambda allows 0 to 2")),
    }
}

/// The filter of a stream, which is JSON in a text.
pub(super) fn json_text<'de, D: Deserializer<'de>>(field: D) -> Result<Pattern, D::Error> {
    let text = String::deserialize(field)?;
    serde_json::from_str(&text).map_err(D::Error::custom)
}

/// `rate(1 minute)`, `rate(2 hours)`: singular for one and plural for more, as AWS wants it.
pub(super) fn rate<'de, D: Deserializer<'de>>(field: D) -> Result<Duration, D::Error> {
    let expression = String::deserialize(field)?;
    period(&expression).ok_or_else(|| {
        let problem = format!("`{expression}` is not rate(1 minute), rate(5 hours) or the like");
        D::Error::custom(problem)
    })
}

fn period(expression: &str) -> Option<Duration> {
    let rate = expression.strip_prefix("rate(")?.strip_suffix(')')?;
    let (value, unit) = rate.split_once(' ')?;
    let value: u32 = value.parse().ok()?;
    let unit = match (value, unit) {
        (1, "minute") | (2.., "minutes") => Duration::from_mins(1),
        (1, "hour") | (2.., "hours") => Duration::from_hours(1),
        (1, "day") | (2.., "days") => Duration::from_hours(24),
        _ => return None,
    };
    Some(unit * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        for (expression, hours) in [
            ("rate(1 hour)", 1),
            ("rate(2 hours)", 2),
            ("rate(7 days)", 168),
        ] {
            assert_eq!(period(expression), Some(Duration::from_hours(hours)));
        }
        for expression in [
            "rate(1 minutes)",
            "rate(0 minutes)",
            "rate(5 seconds)",
            "rate(x)",
            "cron(0 3 * * ? *)",
            "daily",
        ] {
            assert_eq!(period(expression), None, "{expression}");
        }
    }
}
