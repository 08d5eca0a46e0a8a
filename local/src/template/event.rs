//! Event sources of functions.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    build::{Context, typed},
    error::{Result, TemplateError},
    function::DestinationConfig,
    model::{Mapping, Model, Route, Rule, Schedule},
    unmodelled,
};
use crate::pattern::Pattern;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Source {
    r#type: String,
    #[serde(default)]
    properties: Map<String, Value>,
}

/// Adds the event source `name` of `function` to the model.
pub(super) fn add(
    context: &Context<'_>,
    model: &mut Model,
    function: &str,
    name: &str,
    source: Value,
) -> Result<()> {
    let place = format!("{function}.Properties.Events.{name}");
    let Source { r#type, properties } = typed(&place, source)?;
    let mut properties = Value::Object(properties);
    unmodelled::strip(
        &format!("AWS::Serverless::Function/{type}"),
        &mut properties,
    );
    let source = EventSource {
        context,
        function,
        name: format!("{function}.{name}"),
        place: format!("{place}.Properties"),
    };
    match r#type.as_str() {
        "HttpApi" => {
            let route = source.route(properties)?;
            let mut others = model.routes.iter();
            if others.any(|other| other.method == route.method && other.path == route.path) {
                return Err(TemplateError::new(place, "another function has this route"));
            }
            model.routes.push(route);
        }
        "DynamoDB" => model.streams.push(source.stream(properties)?),
        "EventBridgeRule" => model.rules.push(source.rule(properties)?),
        "Schedule" => model.schedules.push(source.schedule(properties)?),
        unknown => {
            return Err(TemplateError::new(
                place,
                format!("the emulator does not know the event type {unknown}"),
            ));
        }
    }
    Ok(())
}

/// Who an event source belongs to.
struct EventSource<'a> {
    context: &'a Context<'a>,
    function: &'a str,
    name: String,
    place: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RouteProperties {
    api_id: String,
    method: Option<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct StreamMappingProperties {
    stream: String,
    starting_position: StartingPosition,
    /// Lambda's default for streams is 100.
    #[serde(default = "default_batch_size")]
    batch_size: usize,
    #[serde(default)]
    bisect_batch_on_function_error: bool,
    maximum_retry_attempts: Option<i64>,
    maximum_record_age_in_seconds: Option<i64>,
    #[serde(default)]
    function_response_types: Vec<ResponseType>,
    filter_criteria: Option<FilterCriteria>,
    destination_config: Option<DestinationConfig>,
}

fn default_batch_size() -> usize {
    100
}

/// The one starting position known here: the oldest record.
#[derive(Deserialize)]
enum StartingPosition {
    #[serde(rename = "TRIM_HORIZON")]
    TrimHorizon,
}

#[derive(PartialEq, Deserialize)]
enum ResponseType {
    ReportBatchItemFailures,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FilterCriteria {
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Filter {
    pattern: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RuleProperties {
    event_bus_name: Option<String>,
    pattern: Value,
    dead_letter_config: Option<DeadLetterConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct DeadLetterConfig {
    arn: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ScheduleProperties {
    schedule: String,
}

impl EventSource<'_> {
    fn route(&self, properties: Value) -> Result<Route> {
        let properties: RouteProperties = typed(&self.place, properties)?;
        let place = format!("{}.ApiId", self.place);
        let api = self
            .context
            .find(&place, "AWS::Serverless::HttpApi", &properties.api_id)?;
        let (path, method) = match (properties.path, properties.method) {
            (Some(path), Some(method)) => (Some(path), method),
            // SAM makes the `$default` route of a source that has neither.
            (None, None) => (None, "ANY".to_owned()),
            _ => {
                return Err(TemplateError::new(
                    &self.place,
                    "Path and Method belong together",
                ));
            }
        };
        let method = method.to_ascii_uppercase();
        Ok(Route {
            path: path.filter(|path| path != "$default"),
            method: Some(method).filter(|method| method != "ANY"),
            function: self.function.to_owned(),
            api,
        })
    }

    fn stream(&self, properties: Value) -> Result<Mapping> {
        let properties: StreamMappingProperties = typed(&self.place, properties)?;
        let StartingPosition::TrimHorizon = properties.starting_position;
        let place = format!("{}.Stream", self.place);
        let table = self
            .context
            .find(&place, "AWS::DynamoDB::Table", &properties.stream)?;
        Ok(Mapping {
            id: format!("{}.{table}", self.function),
            table,
            function: self.function.to_owned(),
            batch_size: properties.batch_size,
            filters: self.filters(properties.filter_criteria)?,
            bisect: properties.bisect_batch_on_function_error,
            // Lambda's default is -1: until the record expires.
            max_retries: properties
                .maximum_retry_attempts
                .and_then(|retries| u32::try_from(retries).ok()),
            // And so it is here: never.
            max_age: properties
                .maximum_record_age_in_seconds
                .and_then(|age| Some(Duration::from_secs(u64::try_from(age).ok()?))),
            report_batch_item_failures: properties
                .function_response_types
                .contains(&ResponseType::ReportBatchItemFailures),
            on_failure: properties
                .destination_config
                .map(|destination| destination.queue(self.context, &self.place))
                .transpose()?,
        })
    }

    fn filters(&self, criteria: Option<FilterCriteria>) -> Result<Vec<Pattern>> {
        let filters = criteria.map_or_else(Vec::new, |criteria| criteria.filters);
        filters
            .iter()
            .enumerate()
            .map(|(at, filter)| {
                let place = format!("{}.FilterCriteria.Filters[{at}].Pattern", self.place);
                let pattern = serde_json::from_str(&filter.pattern);
                let pattern = pattern.map_err(|e| TemplateError::new(&place, e))?;
                Pattern::parse(&pattern).map_err(|e| TemplateError::new(&place, e))
            })
            .collect()
    }

    fn rule(&self, properties: Value) -> Result<Rule> {
        let properties: RuleProperties = typed(&self.place, properties)?;
        let place = format!("{}.EventBusName", self.place);
        let queue_place = format!("{}.DeadLetterConfig.Arn", self.place);
        Ok(Rule {
            name: self.name.clone(),
            bus: self
                .context
                .bus(&place, properties.event_bus_name.as_deref())?,
            pattern: Pattern::parse(&properties.pattern)
                .map_err(|e| TemplateError::new(format!("{}.Pattern", self.place), e))?,
            function: self.function.to_owned(),
            dead_letter: properties
                .dead_letter_config
                .map(|config| self.context.queue(&queue_place, &config.arn))
                .transpose()?,
        })
    }

    fn schedule(&self, properties: Value) -> Result<Schedule> {
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
