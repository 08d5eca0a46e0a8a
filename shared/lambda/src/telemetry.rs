//! Logging: one JSON object for each line, as Lambda's log settings ask. [`metrics`] are such lines too.

use std::fmt;

use adapters::system::System;
use application::ports::Clock as _;
use tracing_subscriber::{
    Layer as _,
    filter::{FilterExt as _, LevelFilter, Targets},
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
    let filter = targets(&level, function).and(metrics::lines());
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

/// The level is for our own lines; the SDKs' are warnings and errors. Below `INFO` they print whole requests,
/// which hold personal data: a function neither logs such lines nor, built for release, has them.
fn targets(level: &str, function: &str) -> Targets {
    let ours = match level.to_ascii_uppercase().as_str() {
        "WARN" => LevelFilter::WARN,
        "ERROR" | "FATAL" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    };
    Targets::new()
        .with_default(ours.min(LevelFilter::WARN))
        .with_targets(OURS.into_iter().chain([function]).map(|name| (name, ours)))
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
    fn the_sdks_never_print_requests() {
        let targets = targets("TRACE", "f");
        assert!(targets.would_enable("lambda::http", &Level::INFO));
        assert!(targets.would_enable("f", &Level::INFO));
        assert!(!targets.would_enable("f", &Level::DEBUG));
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
