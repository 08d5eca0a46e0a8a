//! The time-outs of the template, held against the time limits of the code.

use std::{collections::BTreeMap, time::Duration};

use adapters::composition::COMMAND_LIMIT;
use application::idempotency::LEASE;
use lambda::http::RESERVE;
use yaml_serde::Value;

const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The time-out of each function, and whether it answers HTTP.
fn functions() -> BTreeMap<String, (Duration, bool)> {
    let template: Value = yaml_serde::from_str(TEMPLATE).unwrap();
    let seconds = |timeout: &Value| timeout.as_u64().map(Duration::from_secs);
    let default = seconds(&template["Globals"]["Function"]["Timeout"]).unwrap();
    let resources = template["Resources"].as_mapping().unwrap().iter();
    let functions = resources.filter(|(_, it)| it["Type"] == "AWS::Serverless::Function");
    functions
        .map(|(name, function)| {
            let properties = &function["Properties"];
            let timeout = properties.get("Timeout").and_then(seconds);
            let events = properties.get("Events").and_then(Value::as_mapping);
            let mut events = events.into_iter().flat_map(|events| events.iter());
            let is_http = events.any(|(_, event)| event["Type"] == "HttpApi");
            let name = name.as_str().unwrap().to_owned();
            (name, (timeout.unwrap_or(default), is_http))
        })
        .collect()
}

#[test]
fn a_command_ends_before_the_deadline_of_its_function() {
    let http = functions().into_iter();
    let http: Vec<_> = http.filter(|(_, (_, is_http))| *is_http).collect();
    assert!(http.len() > 20, "the functions are found: {}", http.len());
    for (name, (timeout, _)) in http {
        let limit = COMMAND_LIMIT + RESERVE;
        assert!(limit <= timeout, "{name}: {limit:?} in {timeout:?}");
    }
}

/// Otherwise a repetition would take over a request that still runs.
#[test]
fn the_lease_of_an_idempotency_key_outlasts_its_function() {
    let (timeout, _) = functions()["CreateUser"];
    assert!(LEASE > timeout, "{LEASE:?}, {timeout:?}");
}
