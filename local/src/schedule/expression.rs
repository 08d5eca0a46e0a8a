//! Schedule expressions.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use super::cron::Cron;

/// When a schedule is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// `rate(5 minutes)`: again and again after this time.
    Rate(SignedDuration),
    /// `cron(0 12 * * ? *)`: at these times.
    Cron(Cron),
}

/// Why a schedule expression is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schedule {expression:?}: {problem}")]
pub struct ExpressionError {
    /// The expression.
    pub expression: String,
    /// What is wrong.
    pub problem: String,
}

impl Expression {
    /// The first time after `time`, if there is one.
    pub fn next(&self, time: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(period) => time.checked_add(*period).ok(),
            Self::Cron(cron) => cron.next(time),
        }
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let inner = |kind: &str| {
            text.strip_prefix(kind)?
                .strip_prefix('(')?
                .strip_suffix(')')
        };
        let parsed = match (inner("rate"), inner("cron")) {
            (Some(rate), _) => period(rate).map(Self::Rate),
            (_, Some(cron)) => Cron::parse(cron).map(Self::Cron),
            _ => Err("is neither rate(…) nor cron(…)".to_owned()),
        };
        parsed.map_err(|problem| ExpressionError {
            expression: text.to_owned(),
            problem,
        })
    }
}

/// `1 minute`, `2 hours`, `7 days`: singular for one and plural for more, as AWS wants it.
fn period(text: &str) -> Result<SignedDuration, String> {
    let (value, unit) = text
        .split_once(' ')
        .ok_or("a rate is a number and a unit")?;
    let value: u32 = value.parse().map_err(|_| "a rate is a whole number")?;
    let seconds = match (value, unit) {
        (0, _) => return Err("a rate is at least 1".to_owned()),
        (1, "minute") | (2.., "minutes") => 60,
        (1, "hour") | (2.., "hours") => 3600,
        (1, "day") | (2.., "days") => 86_400,
        _ => {
            let units = "minute(s), hour(s) or day(s), singular for 1 only";
            return Err(format!("the unit {unit:?} is none of {units}"));
        }
    };
    Ok(SignedDuration::from_secs(i64::from(value) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        let seconds = |text: &str| match text.parse() {
            Ok(Expression::Rate(period)) => period.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!(seconds("rate(1 minute)"), 60);
        assert_eq!(seconds("rate(2 hours)"), 7200);
        assert_eq!(seconds("rate(7 days)"), 604_800);
    }

    #[test]
    fn errors_name_the_expression() {
        for text in [
            "rate(1 minutes)",
            "rate(0 minutes)",
            "rate(5 seconds)",
            "rate(x)",
            "every minute",
            "cron(* * * * ? *",
            "cron(* * *)",
            "cron(* * * * * *)",
            "cron(60 * * * ? *)",
            "cron(0 0 1W * ? *)",
            "cron(0 0 ? * 2#1 *)",
            "cron(5-1 * * * ? *)",
            "cron(*/0 * * * ? *)",
        ] {
            let error = text.parse::<Expression>().unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
