//! Schedules.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::{
    build::typed,
    error::{Result, TemplateError},
    event::EventSource,
    model::Schedule,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ScheduleProperties {
    schedule: String,
}

impl EventSource<'_> {
    pub(super) fn schedule(&self, properties: Value) -> Result<Schedule> {
        let properties: ScheduleProperties = typed(&self.place, properties)?;
        let expression = properties.schedule;
        let period = period(&expression).ok_or_else(|| {
            let problem =
                format!("`{expression}` is not rate(1 minute), rate(5 hours) or the like");
            TemplateError::new(format!("{}.Schedule", self.place), problem)
        })?;
        Ok(Schedule {
            name: self.name.clone(),
            period,
            function: self.function.to_owned(),
        })
    }
}

/// `rate(1 minute)`, `rate(2 hours)`: singular for one and plural for more, as AWS wants it.
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
