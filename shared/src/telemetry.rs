//! Logging: one JSON object for each line, as Lambda's log settings ask.

use tracing_subscriber::{EnvFilter, fmt::format::Writer, fmt::time::FormatTime};

use crate::{adapters::system::System, ports::Clock as _};

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
    use super::directives;

    #[test]
    fn the_sdks_never_print_requests() {
        assert!(directives("TRACE", "f").starts_with("warn,"));
        assert!(directives("TRACE", "f").contains("shared=trace"));
        assert!(directives("FATAL", "f").starts_with("error,"));
    }
}
