//! How fields of the model are read where they stand in the template in another form.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::names;
use crate::pattern::Pattern;

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

pub(super) fn seconds<'de, D: Deserializer<'de>>(field: D) -> Result<Duration, D::Error> {
    u64::deserialize(field).map(Duration::from_secs)
}

/// A number of retries; -1 is for no limit.
pub(super) fn limit<'de, D: Deserializer<'de>>(field: D) -> Result<Option<u32>, D::Error> {
    i64::deserialize(field).map(|limit| limit.try_into().ok())
}

/// Seconds; -1 is for no limit.
pub(super) fn age<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Duration>, D::Error> {
    let seconds = i64::deserialize(field)?;
    Ok(seconds.try_into().ok().map(Duration::from_secs))
}

/// A number of retries, of which asynchronous invocations have two at the most.
pub(super) fn async_retries<'de, D: Deserializer<'de>>(field: D) -> Result<u32, D::Error> {
    match u32::deserialize(field)? {
        retries @ 0..=2 => Ok(retries),
        _ => Err(D::Error::custom("Lambda allows 0 to 2")),
    }
}

/// `Metadata` of a function: the cargo binary.
pub(super) fn binary<'de, D: Deserializer<'de>>(field: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct Metadata {
        #[serde(rename = "BuildMethod")]
        _build_method: BuildMethod,
        build_properties: BuildProperties,
    }
    #[derive(Deserialize)]
    enum BuildMethod {
        #[serde(rename = "rust-cargolambda")]
        CargoLambda,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct BuildProperties {
        binary: String,
    }
    Metadata::deserialize(field).map(|metadata| metadata.build_properties.binary)
}

/// `Environment` of a function.
pub(super) fn variables<'de, D: Deserializer<'de>>(
    field: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct Environment {
        variables: BTreeMap<String, Text>,
    }
    let variables = Environment::deserialize(field)?.variables.into_iter();
    Ok(variables.map(|(name, text)| (name, text.0)).collect())
}

/// `DestinationConfig`: where to send what failed to the end.
pub(super) fn on_failure<'de, D: Deserializer<'de>>(field: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct DestinationConfig {
        on_failure: OnFailure,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct OnFailure {
        destination: String,
    }
    DestinationConfig::deserialize(field).map(|config| Some(config.on_failure.destination))
}

/// `DeadLetterConfig`: where to send what did not reach the function.
pub(super) fn dead_letter<'de, D: Deserializer<'de>>(field: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct DeadLetterConfig {
        arn: String,
    }
    DeadLetterConfig::deserialize(field).map(|config| Some(config.arn))
}

/// `FilterCriteria` of a stream.
pub(super) fn filters<'de, D: Deserializer<'de>>(field: D) -> Result<Vec<Pattern>, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct FilterCriteria {
        filters: Vec<Filter>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct Filter {
        #[serde(deserialize_with = "json_text")]
        pattern: Pattern,
    }
    fn json_text<'de, D: Deserializer<'de>>(field: D) -> Result<Pattern, D::Error> {
        let text = String::deserialize(field)?;
        serde_json::from_str(&text).map_err(D::Error::custom)
    }
    let filters = FilterCriteria::deserialize(field)?.filters.into_iter();
    Ok(filters.map(|filter| filter.pattern).collect())
}

/// `FunctionResponseTypes`: true if there is one.
pub(super) fn reports_failures<'de, D: Deserializer<'de>>(field: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    enum ResponseType {
        ReportBatchItemFailures,
    }
    let types: Vec<ResponseType> = Vec::deserialize(field)?;
    Ok(matches!(
        types.as_slice(),
        [ResponseType::ReportBatchItemFailures, ..]
    ))
}

/// `SendingOptions` of a configuration set.
pub(super) fn sending<'de, D: Deserializer<'de>>(field: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct SendingOptions {
        sending_enabled: bool,
    }
    SendingOptions::deserialize(field).map(|options| options.sending_enabled)
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
