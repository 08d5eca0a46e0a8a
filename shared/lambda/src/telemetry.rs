//! Logging: one JSON object for each line, as Lambda's log settings ask. Metrics are such lines too.

use std::{fmt, io::Write as _};

use adapters::system::System;
use application::ports::Clock as _;
use domain::Timestamp;
use serde_json::{Value, json};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt::{format::Writer, time::FormatTime},
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

/// Crates whose lines are ours, besides the function's own.
const OURS: [&str; 5] = ["domain", "application", "directory", "adapters", "lambda"];

/// Starts logging to standard output by Lambda's variables `AWS_LAMBDA_LOG_FORMAT` (`JSON` or
/// `Text`) and `AWS_LAMBDA_LOG_LEVEL`. `function` is the crate of the function.
pub fn start(function: &str) {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|_| "INFO".to_owned());
    let json = std::env::var("AWS_LAMBDA_LOG_FORMAT")
        .is_ok_and(|format| format.eq_ignore_ascii_case("json"));
    let lines = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(false);
    let subscriber = tracing_subscriber::registry()
        .with(targets(&level, function))
        .with(Metrics);
    // Starting twice does nothing: the first stays.
    let _ = if json {
        let lines = lines
            .json()
            .with_timer(Now)
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false);
        subscriber.with(lines).try_init()
    } else {
        // CloudWatch stamps plain lines itself.
        subscriber.with(lines.without_time()).try_init()
    };
}

/// The level is for our own lines. At DEBUG and below the SDKs print whole requests, which hold
/// personal data; they never get below INFO.
fn targets(level: &str, function: &str) -> Targets {
    let ours = match level.to_ascii_uppercase().as_str() {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "WARN" => LevelFilter::WARN,
        "ERROR" | "FATAL" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    };
    Targets::new()
        .with_default(ours.min(LevelFilter::WARN))
        .with_targets(OURS.into_iter().chain([function]).map(|name| (name, ours)))
}

/// Counts one more of what a line's field `metric` names, in the namespace `Roster` of CloudWatch.
struct Metrics;

impl<S: Subscriber> Layer<S> for Metrics {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut metric = MetricName(None);
        event.record(&mut metric);
        let Some(name) = metric.0 else { return };
        let line = format!("{}\n", embedded(&name, System.now()));
        if let Err(error) = std::io::stdout().write_all(line.as_bytes()) {
            tracing::warn!(%error, name, "not counted");
        }
    }
}

/// The field `metric` of a line.
struct MetricName(Option<String>);

impl Visit for MetricName {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "metric" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// A count of one in CloudWatch's embedded metric format.
fn embedded(metric: &str, now: Timestamp) -> Value {
    json!({
        "_aws": {
            "Timestamp": now.as_millis(),
            "CloudWatchMetrics": [{
                "Namespace": "Roster",
                "Dimensions": [[]],
                "Metrics": [{ "Name": metric, "Unit": "Count" }],
            }],
        },
        metric: 1,
    })
}

struct Now;

impl FormatTime for Now {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", System.now())
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_metric_is_a_line_which_names_it_and_holds_it() {
        let line = embedded("UnreadableSnapshot", Timestamp::from_seconds(1));
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metrics["Namespace"], "Roster");
        assert_eq!(metrics["Metrics"][0]["Name"], "UnreadableSnapshot");
        assert_eq!(line["UnreadableSnapshot"], 1);
        assert_eq!(line["_aws"]["Timestamp"], 1_000);
    }

    #[test]
    fn a_field_names_the_metric() {
        struct Named(std::sync::Mutex<Vec<String>>);
        impl<S: Subscriber> Layer<S> for &'static Named {
            fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
                let mut metric = MetricName(None);
                event.record(&mut metric);
                self.0.lock().unwrap().extend(metric.0);
            }
        }
        let named: &'static Named = Box::leak(Box::new(Named(std::sync::Mutex::default())));
        let subscriber = tracing_subscriber::registry().with(named);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(metric = "SignIn", user = 7, "counted");
            tracing::info!(user = "metric", "not counted");
        });
        assert_eq!(*named.0.lock().unwrap(), ["SignIn"]);
    }

    #[test]
    fn the_sdks_never_print_requests() {
        let targets = targets("TRACE", "f");
        assert!(targets.would_enable("lambda::http", &Level::TRACE));
        assert!(targets.would_enable("f", &Level::TRACE));
        assert!(targets.would_enable("aws_smithy_runtime", &Level::WARN));
        assert!(!targets.would_enable("aws_smithy_runtime", &Level::INFO));
    }

    #[test]
    fn a_quiet_function_is_quiet_altogether() {
        let targets = targets("FATAL", "f");
        for name in ["f", "lambda", "aws_smithy_runtime"] {
            assert!(targets.would_enable(name, &Level::ERROR), "{name}");
            assert!(!targets.would_enable(name, &Level::WARN), "{name}");
        }
    }
}
