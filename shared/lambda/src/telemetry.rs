//! Logging: one JSON object for each line, as Lambda's log settings ask. Metrics are such lines too.

use std::io::Write as _;

use serde_json::{Value, json};
use tracing_subscriber::{EnvFilter, fmt::format::Writer, fmt::time::FormatTime};

use crate::{adapters::system::System, domain::Timestamp, ports::Clock as _};

/// What is counted, in the namespace `Roster` of CloudWatch's metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// A snapshot of the directory that could not be read.
    UnreadableSnapshot,
}

impl Metric {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnreadableSnapshot => "UnreadableSnapshot",
        }
    }
}

/// Counts one more of `metric`: CloudWatch makes a metric of such a line in a log.
pub fn count(metric: Metric) {
    let mut line = embedded(metric, System.now()).to_string();
    line.push('\n');
    if let Err(error) = std::io::stdout().write_all(line.as_bytes()) {
        tracing::warn!(%error, metric = metric.as_str(), "not counted");
    }
}

/// A count of one in CloudWatch's embedded metric format.
fn embedded(metric: Metric, now: Timestamp) -> Value {
    json!({
        "_aws": {
            "Timestamp": now.as_millis(),
            "CloudWatchMetrics": [{
                "Namespace": "Roster",
                "Dimensions": [[]],
                "Metrics": [{ "Name": metric.as_str(), "Unit": "Count" }],
            }],
        },
        metric.as_str(): 1,
    })
}

/// Starts logging to standard output by Lambda's variables `AWS_LAMBDA_LOG_FORMAT` (`JSON` or
/// `Text`) and `AWS_LAMBDA_LOG_LEVEL`.
pub fn start(function: &str) {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|_| "INFO".to_owned());
    let json = std::env::var("AWS_LAMBDA_LOG_FORMAT")
        .is_ok_and(|format| format.eq_ignore_ascii_case("json"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(directives(&level, function)))
        .with_target(false)
        .with_ansi(false);
    // Failing to start twice is fine: the first stays.
    let _ = if json {
        subscriber
            .json()
            .with_timer(Now)
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init()
    } else {
        // CloudWatch stamps plain lines itself.
        subscriber.without_time().try_init()
    };
}

/// The level is for our own lines. At DEBUG and below the SDKs print whole requests, which hold
/// personal data; they never get below INFO.
fn directives(level: &str, function: &str) -> String {
    let ours = match level.to_ascii_uppercase().as_str() {
        "TRACE" => "trace",
        "DEBUG" => "debug",
        "WARN" => "warn",
        "ERROR" | "FATAL" => "error",
        _ => "info",
    };
    let theirs = match ours {
        "trace" | "debug" | "info" => "warn",
        quieter => quieter,
    };
    format!("{theirs},shared={ours},{function}={ours}")
}

struct Now;

impl FormatTime for Now {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", System.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_a_line_which_names_it_and_holds_it() {
        let line = embedded(Metric::UnreadableSnapshot, Timestamp::from_seconds(1));
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metrics["Namespace"], "Roster");
        assert_eq!(metrics["Metrics"][0]["Name"], "UnreadableSnapshot");
        assert_eq!(line["UnreadableSnapshot"], 1);
        assert_eq!(line["_aws"]["Timestamp"], 1_000);
    }

    #[test]
    fn the_sdks_never_print_requests() {
        assert!(directives("TRACE", "f").starts_with("warn,"));
        assert!(directives("TRACE", "f").contains("shared=trace"));
        assert!(directives("FATAL", "f").starts_with("error,"));
    }
}
