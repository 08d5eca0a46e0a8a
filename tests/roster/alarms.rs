//! What alarms count is in the lines that functions write.

use local::journal::{Entry, Happening};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, Roster, on_shared_stack, patiently, template, unique_email};

/// The properties of a resource in template.yaml.
fn resource(name: &str) -> yaml_serde::Value {
    let template = std::fs::read_to_string(template()).unwrap();
    let template: yaml_serde::Value = yaml_serde::from_str(&template).unwrap();
    template["Resources"][name]["Properties"].clone()
}

/// The filter pattern of a metric filter.
fn pattern(filter: &str) -> String {
    let filter = resource(filter);
    let pattern = filter["FilterPattern"].as_str().unwrap().trim();
    let pattern = pattern
        .strip_prefix('{')
        .and_then(|pattern| pattern.strip_suffix('}'));
    pattern.unwrap().to_owned()
}

/// Whether CloudWatch Logs counts a line by a pattern of comparisons.
fn is_counted(filter: &str, line: &Value) -> bool {
    let pattern = pattern(filter);
    let mut rest = pattern.as_str();
    let counted = any(&mut rest, line);
    assert_eq!(rest.trim(), "", "{pattern}");
    counted
}

fn any(pattern: &mut &str, line: &Value) -> bool {
    let mut holds = all(pattern, line);
    while take(pattern, "||") {
        holds |= all(pattern, line);
    }
    holds
}

fn all(pattern: &mut &str, line: &Value) -> bool {
    let mut holds = one(pattern, line);
    while take(pattern, "&&") {
        holds &= one(pattern, line);
    }
    holds
}

fn one(pattern: &mut &str, line: &Value) -> bool {
    assert!(take(pattern, "("), "{pattern}");
    let holds = if pattern.starts_with('$') {
        let (comparison, _) = pattern.split_once(')').unwrap();
        *pattern = &pattern[comparison.len()..];
        compare(comparison, line)
    } else {
        any(pattern, line)
    };
    assert!(take(pattern, ")"), "{pattern}");
    holds
}

fn compare(comparison: &str, line: &Value) -> bool {
    let parts: Vec<_> = comparison.splitn(3, ' ').collect();
    let value: Value = serde_json::from_str(parts[2]).unwrap();
    let path = parts[0].trim_start_matches('$').replace('.', "/");
    // A field that is missing compares with nothing.
    let Some(found) = line.pointer(&path) else {
        return false;
    };
    match parts[1] {
        "=" => *found == value,
        "!=" => *found != value,
        ">=" => found.as_u64() >= value.as_u64(),
        other => panic!("{other}: {comparison}"),
    }
}

fn take(pattern: &mut &str, token: &str) -> bool {
    *pattern = pattern.trim_start();
    let rest = pattern.strip_prefix(token);
    *pattern = rest.unwrap_or(pattern).trim_start();
    rest.is_some()
}

/// The line of a request.
async fn line_of(roster: &Roster, answer: &Answer) -> Value {
    let id = answer.header("x-request-id").unwrap();
    let line = |entry: &Entry| match &entry.happening {
        Happening::Log { line, .. } if line.contains(id) => serde_json::from_str(line).ok(),
        _ => None,
    };
    patiently(
        "the line of a request",
        roster.stack.journal.wait_for(0, line),
    )
    .await
}

/// The metric that a line is.
fn metric(entry: &Entry) -> Option<Value> {
    match &entry.happening {
        Happening::Log { line, .. } if line.contains("_aws") => serde_json::from_str(line).ok(),
        _ => None,
    }
}

#[test]
fn sign_ins_are_counted_by_the_outcomes_that_the_alarm_compares() {
    on_shared_stack(async |roster| {
        let email = unique_email("counted");
        roster.sign_up(&email).await;
        let wrong = json!({"email": email, "password": "not the one that was chosen"});
        let mut statuses = vec![roster.sign_in(&email).await.status];
        while !statuses.contains(&StatusCode::TOO_MANY_REQUESTS) {
            statuses.push(roster.post("/sessions", &wrong).await.status);
        }
        assert!(statuses.contains(&StatusCode::UNAUTHORIZED));
        let resource = resource("RefusedSignIns");
        let metrics = resource["Metrics"].as_sequence().unwrap().iter();
        let metrics = metrics.map(|metric| &metric["MetricStat"]["Metric"]);
        let metrics = metrics.filter(|metric| !metric.is_null());
        let outcomes = metrics.map(|metric| {
            let dimension = &metric["Dimensions"][0];
            assert_eq!(metric["MetricName"], "SignIns");
            assert_eq!(dimension["Name"], "Outcome");
            dimension["Value"].as_str().unwrap().to_owned()
        });
        let outcomes: Vec<_> = outcomes.collect();
        assert_eq!(outcomes, ["ok", "invalid-credentials", "too-many-requests"]);
        for outcome in outcomes {
            let declared = |entry: &Entry| {
                let line = metric(entry)?;
                let of_this = line["SignIns"] == 1 && line["Outcome"] == outcome.as_str();
                of_this.then(|| line["_aws"]["CloudWatchMetrics"][0]["Dimensions"].clone())
            };
            let dimensions = roster.stack.journal.wait_for(0, declared);
            let dimensions = patiently("a counted sign-in", dimensions).await;
            assert_eq!(dimensions, json!([["Outcome"]]), "{outcome}");
        }
    });
}

#[test]
fn faults_are_answers_of_500_and_above_and_workers_that_fail() {
    on_shared_stack(async |roster| {
        let mut line = line_of(roster, &roster.get("/health").await).await;
        assert!(!is_counted("CountFaults", &line), "{line}");
        line["status"] = json!(503);
        assert!(is_counted("CountFaults", &line), "{line}");
    });
    // As Lambda writes it.
    for (status, is_fault) in [("success", false), ("error", true), ("timeout", true)] {
        let report = json!({
            "time": "2026-11-29T09:00:00.000Z",
            "type": "platform.report",
            "record": {"requestId": "1", "metrics": {"durationMs": 3.1}, "status": status},
        });
        assert_eq!(is_counted("CountFaults", &report), is_fault, "{status}");
    }
}

#[test]
fn metrics_are_in_the_namespace_that_alarms_look_at() {
    on_shared_stack(async |roster| {
        let address = unique_email("bounce+").replace("@example.com", "@simulator.amazonses.com");
        roster.sign_up(&address).await;
        let bounced = |entry: &Entry| {
            let line = metric(entry).filter(|line| line["MailBounced"] == 1)?;
            Some(line["_aws"]["CloudWatchMetrics"][0]["Namespace"].clone())
        };
        let namespace = patiently("a metric", roster.stack.journal.wait_for(0, bounced)).await;
        let function = &roster.stack.model.functions["RecordMail"];
        let variables = &function.environment.variables;
        assert_eq!(namespace, variables["METRICS_NAMESPACE"].as_str());
    });
}
