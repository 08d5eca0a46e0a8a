//! Metrics: a line with the field `metric` becomes one in CloudWatch's embedded metric format.
//!
//! | field | |
//! |---|---|
//! | `metric` | the name |
//! | `outcome` | a dimension, where there is one: a word out of few, since each makes a metric of its own |
//! | `count` | how often it happened; once, if nothing is said |
//! | `millis` | or how long it took |
//!
//! Nothing else of the line gets into it. At INFO a metric is all that there is to say: the line itself is not
//! written then.

use std::{fmt, io::Write as _};

use adapters::system::System;
use application::ports::Clock as _;
use domain::Timestamp;
use serde_json::{Value, json};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer,
    filter::filter_fn,
    layer::{Context, Filter},
    registry::LookupSpan,
};

/// The name of the field that makes a line a metric.
const METRIC: &str = "metric";

/// Writes metrics, whatever the level of the log: alarms stand on them.
pub(crate) fn layer<S>(
    namespace: String,
    write: impl Fn(&str) + Send + Sync + 'static,
) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Metrics { namespace, write }
        .with_filter(filter_fn(is_metric).with_max_level_hint(LevelFilter::INFO))
}

/// Lets the lines pass that are more than a metric.
pub(crate) fn lines<S>() -> impl Filter<S> {
    filter_fn(|metadata| !(is_metric(metadata) && *metadata.level() >= Level::INFO))
}

fn is_metric(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && metadata.fields().field(METRIC).is_some()
}

/// Writes a line to standard output.
pub(crate) fn to_stdout(line: &str) {
    // There is nobody to tell: where this does not go, no line goes.
    let _ = std::io::stdout().write_all(line.as_bytes());
}

struct Metrics<W> {
    /// Of CloudWatch.
    namespace: String,
    write: W,
}

impl<S: Subscriber, W: Fn(&str) + 'static> Layer<S> for Metrics<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut metric = Metric::default();
        event.record(&mut metric);
        if let Some(line) = metric.embedded(&self.namespace, System.now()) {
            (self.write)(&format!("{line}\n"));
        }
    }
}

/// The fields that matter.
#[derive(Default)]
struct Metric {
    name: Option<String>,
    outcome: Option<String>,
    count: Option<u64>,
    millis: Option<u64>,
}

impl Metric {
    fn embedded(self, namespace: &str, now: Timestamp) -> Option<Value> {
        let name = self.name?;
        let (value, unit) = match self.millis {
            Some(millis) => (millis, "Milliseconds"),
            None => (self.count.unwrap_or(1), "Count"),
        };
        let dimensions: &[&str] = match self.outcome {
            Some(_) => &["Outcome"],
            None => &[],
        };
        let mut line = json!({
            "_aws": {
                "Timestamp": now.as_millis(),
                "CloudWatchMetrics": [{
                    "Namespace": namespace,
                    "Dimensions": [dimensions],
                    "Metrics": [{ "Name": name, "Unit": unit }],
                }],
            },
            name: value,
        });
        if let Some(outcome) = self.outcome {
            line["Outcome"] = json!(outcome);
        }
        Some(line)
    }
}

impl Visit for Metric {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            METRIC => self.name = Some(value.to_owned()),
            "outcome" => self.outcome = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "count" => self.count = Some(value),
            "millis" => self.millis = Some(value),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing::subscriber::DefaultGuard;
    use tracing_subscriber::{filter::FilterExt as _, layer::SubscriberExt as _};

    use super::*;

    /// What this thread wrote since [`capture`].
    #[derive(Clone, Default)]
    pub(crate) struct Captured {
        metrics: Arc<Mutex<Vec<Value>>>,
        lines: Arc<Mutex<Vec<u8>>>,
    }

    impl Captured {
        pub(crate) fn metrics(&self) -> Vec<Value> {
            self.metrics.lock().unwrap().clone()
        }

        pub(crate) fn lines(&self) -> Vec<Value> {
            let bytes = self.lines.lock().unwrap().clone();
            let text = String::from_utf8(bytes).unwrap();
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        }
    }

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.lines.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Captures what this thread writes, with the log at `level`, until the guard is dropped.
    pub(crate) fn capture(level: LevelFilter) -> (Captured, DefaultGuard) {
        let captured = Captured::default();
        let (metrics, sink) = (captured.metrics.clone(), captured.clone());
        let keep = move |line: &str| {
            let line = serde_json::from_str(line).unwrap();
            metrics.lock().unwrap().push(line);
        };
        let lines_to_sink = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(move || sink.clone())
            .with_filter(level.and(lines()));
        let subscriber = tracing_subscriber::registry()
            .with(layer("Roster/prod".to_owned(), keep))
            .with(lines_to_sink);
        (captured, tracing::subscriber::set_default(subscriber))
    }

    fn directive(line: &Value) -> &Value {
        &line["_aws"]["CloudWatchMetrics"][0]
    }

    #[test]
    fn a_metric_is_named_held_and_counted_once() {
        let (captured, _guard) = capture(LevelFilter::INFO);
        tracing::info!(metric = "MailSent");
        let [line] = &captured.metrics()[..] else {
            panic!("{:?}", captured.metrics());
        };
        assert_eq!(directive(line)["Namespace"], "Roster/prod");
        assert_eq!(directive(line)["Dimensions"], json!([[]]));
        let metric = json!([{ "Name": "MailSent", "Unit": "Count" }]);
        assert_eq!(directive(line)["Metrics"], metric);
        assert_eq!(line["MailSent"], 1);
        assert!(line["_aws"]["Timestamp"].as_u64() > Some(1_700_000_000_000));
    }

    #[test]
    fn an_outcome_is_a_dimension_and_a_time_is_in_milliseconds() {
        let (captured, _guard) = capture(LevelFilter::INFO);
        tracing::info!(metric = "SignIns", outcome = "ok");
        tracing::info!(metric = "SignUps", count = 3_u64);
        tracing::info!(metric = "EventLag", millis = 250_u64);
        let metrics = captured.metrics();
        let [sign_in, sign_ups, lag] = &metrics[..] else {
            panic!("{metrics:?}");
        };
        assert_eq!(directive(sign_in)["Dimensions"], json!([["Outcome"]]));
        assert_eq!(
            (&sign_in["Outcome"], &sign_in["SignIns"]),
            (&json!("ok"), &json!(1))
        );
        assert_eq!(sign_ups["SignUps"], 3);
        assert_eq!(directive(lag)["Metrics"][0]["Unit"], "Milliseconds");
        assert_eq!(lag["EventLag"], 250);
    }

    #[test]
    fn nothing_else_of_the_line_gets_into_it() {
        let (captured, _guard) = capture(LevelFilter::INFO);
        tracing::warn!(
            metric = "MailSuppressed",
            mail = "ann@example.com",
            "not sent"
        );
        tracing::info!(user = "metric", "no metric");
        let metrics = captured.metrics();
        assert_eq!(metrics.len(), 1);
        let keys: Vec<_> = metrics[0].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["MailSuppressed", "_aws"]);
        // A warning is for people, too.
        let lines = captured.lines();
        let messages: Vec<_> = lines.iter().map(|line| &line["message"]).collect();
        assert_eq!(messages, ["not sent", "no metric"]);
    }

    #[test]
    fn metrics_do_not_depend_on_the_level_of_the_log_and_are_no_lines_beside() {
        for (level, lines) in [(LevelFilter::ERROR, 0), (LevelFilter::TRACE, 1)] {
            let (captured, _guard) = capture(level);
            tracing::info!(metric = "MailSent");
            tracing::warn!(metric = "MailBounced");
            assert_eq!(captured.metrics().len(), 2, "{level}");
            assert_eq!(captured.lines().len(), lines, "{level}");
        }
    }
}
