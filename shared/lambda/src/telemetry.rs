//! Logging: one JSON object for each line, as Lambda's log settings ask. [`metrics`] are such lines too.

use std::fmt;

use adapters::system::System;
use application::ports::Clock as _;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::FilterExt as _,
    fmt::{format::Writer, time::FormatTime},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::metrics;

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
    let filter = EnvFilter::new(directives(&level, function)).and(metrics::lines());
    // Of the stack, so that two in one account are told apart.
    let namespace = std::env::var("METRICS_NAMESPACE").unwrap_or_else(|_| "Roster".to_owned());
    let metrics = metrics::layer(namespace, metrics::to_stdout);
    let subscriber = tracing_subscriber::registry().with(metrics);
    // Starting twice does nothing: the first stays.
    let _ = if json {
        let lines = lines
            .json()
            .with_timer(Now)
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false);
        subscriber.with(lines.with_filter(filter)).try_init()
    } else {
        // CloudWatch stamps plain lines itself.
        let lines = lines.without_time();
        subscriber.with(lines.with_filter(filter)).try_init()
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
    let ours = OURS
        .into_iter()
        .chain([function])
        .map(|name| format!(",{name}={ours}"));
    theirs.to_owned() + &ours.collect::<String>()
}

struct Now;

impl FormatTime for Now {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", System.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdks_never_print_requests() {
        assert!(directives("TRACE", "f").starts_with("warn,"));
        assert!(directives("TRACE", "f").contains(",lambda=trace"));
        assert!(directives("FATAL", "f").contains(",f=error"));
    }
}
