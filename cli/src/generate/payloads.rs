//! What a function gets, made from one sample: `sam local invoke` and `cargo lambda invoke` take it.

use std::{cmp::Reverse, collections::BTreeMap};

use anyhow::{Context as _, anyhow};
use local::template::Model;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::contract::{Contract, Operation, is_for_owner};

/// By binary, a payload.
type Payloads = BTreeMap<String, Value>;

/// The request for each function that has a route.
pub(super) fn requests(
    model: &Model,
    contract: &Contract,
    sample: &Value,
) -> anyhow::Result<Payloads> {
    let mut routes: Vec<_> = model
        .routes
        .iter()
        .filter_map(|route| {
            // HEAD is a GET without the body of its answer.
            let method = route.method.as_ref().filter(|method| *method != "HEAD")?;
            Some((&route.function, method, route.path.as_ref()?))
        })
        .collect();
    // Of several routes of a function, the one with most in it is the last and stays.
    routes.sort_by_key(|(_, _, path)| (path.split('/').count(), Reverse(path.len())));
    let mut payloads = Payloads::new();
    for (function, method, path) in routes {
        let operation = contract.find(method, path)?;
        payloads.insert(binary(model, function)?, request(sample, operation));
    }
    Ok(payloads)
}

/// The request of an operation.
fn request(sample: &Value, operation: &Operation) -> Value {
    let mut payload = sample.clone();
    let path = set_parameters(&mut payload, operation);
    if let Some((kind, body)) = &operation.body {
        let body = body.to_string();
        payload["headers"]["content-type"] = json!(kind);
        payload["headers"]["content-length"] = json!(body.len().to_string());
        payload["body"] = json!(body);
    }
    if !operation.is_authenticated
        && let Some(headers) = payload["headers"].as_object_mut()
    {
        headers.remove("authorization");
    }
    let route = format!("{} {}", operation.method, operation.path);
    payload["routeKey"] = json!(route);
    payload["rawPath"] = json!(path);
    payload["requestContext"]["routeKey"] = json!(route);
    payload["requestContext"]["http"]["method"] = json!(operation.method);
    payload["requestContext"]["http"]["path"] = json!(path);
    payload
}

/// Sets headers, query and path parameters to their examples; gives the path with them in it.
fn set_parameters(payload: &mut Value, operation: &Operation) -> String {
    let (mut path, mut path_parameters) = (operation.path.clone(), Map::new());
    let mut query = form_urlencoded::Serializer::new(String::new());
    let mut query_parameters = Map::new();
    for parameter in &operation.parameters {
        let name = &parameter.name;
        let example = match &**name {
            // The sample comes from an administrator, who is not the user of the examples.
            "id" if is_for_owner(&operation.access) => "me",
            _ => &parameter.example,
        };
        match &*parameter.place {
            "path" => {
                path = path.replace(&format!("{{{name}}}"), example);
                path_parameters.insert(name.clone(), json!(example));
            }
            "query" => {
                query.append_pair(name, example);
                query_parameters.insert(name.clone(), json!(example));
            }
            _ => payload["headers"][name.to_lowercase()] = json!(example),
        }
    }
    // A form writes a space as `+`, a client of an API as `%20`.
    payload["rawQueryString"] = json!(query.finish().replace('+', "%20"));
    for (name, parameters) in [
        ("pathParameters", path_parameters),
        ("queryStringParameters", query_parameters),
    ] {
        if !parameters.is_empty() {
            payload[name] = json!(parameters);
        }
    }
    path
}

/// The event for each function that has a rule on a bus of the template: the first example that the
/// rule lets pass.
pub(super) fn events(
    model: &Model,
    examples: &[Value],
    sample: &Value,
) -> anyhow::Result<Payloads> {
    let mut payloads = Payloads::new();
    let own = |bus: &String| model.buses.values().any(|name| name == bus);
    for rule in model.rules.iter().filter(|rule| own(&rule.bus)) {
        let envelope = examples
            .iter()
            .map(|event| envelope(sample, event))
            .find(|envelope| rule.pattern.matches(envelope))
            .ok_or_else(|| anyhow!("{}: no example in events/ is for it", rule.name))?;
        payloads.insert(binary(model, &rule.function)?, envelope);
    }
    Ok(payloads)
}

/// A domain event as the bus delivers it.
fn envelope(sample: &Value, event: &Value) -> Value {
    let mut envelope = sample.clone();
    let time = event["time"].as_str().unwrap_or_default();
    let seconds = time.split_once('.').map_or(time, |(seconds, _)| seconds);
    envelope["source"] = event["source"].clone();
    envelope["detail-type"] = event["type"].clone();
    envelope["time"] = json!(format!("{seconds}Z"));
    envelope["detail"] = event.clone();
    envelope
}

fn binary(model: &Model, function: &str) -> anyhow::Result<String> {
    let function = model.functions.get(function);
    Ok(function.context("no such function")?.binary().to_owned())
}
