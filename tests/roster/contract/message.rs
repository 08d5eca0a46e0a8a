//! One request, or one answer, against what is documented.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::{Contract, Operation, Sent};
use crate::support::Answer;

/// Whose schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    Request,
    Answer,
}

/// Headers of requests that come from HTTP itself, or may come with each request as the document's
/// introduction says.
const SENT: [&str; 8] = [
    "accept",
    "authorization",
    "cloudfront-viewer-address",
    "content-length",
    "content-type",
    "roster-client-address",
    "roster-proxy-secret",
    "user-agent",
];

/// Headers of answers that come from HTTP itself, from API Gateway, or with each answer as the
/// document's introduction says.
const ANSWERED: [&str; 6] = [
    "apigw-requestid",
    "cache-control",
    "content-length",
    "content-type",
    "date",
    "x-content-type-options",
];

/// Notes what is wrong with a request that was answered as if nothing were.
pub fn check_request(
    contract: &Contract,
    operation: &Operation,
    sent: &Sent,
    wrong: &mut Vec<String>,
) {
    let query: Vec<_> = sent.url.query_pairs().collect();
    let declared = |place: &'static str| {
        let parameters = operation.parameters.iter();
        parameters.filter(move |parameter| parameter["in"] == place)
    };
    for (name, _) in &query {
        if !declared("query").any(|parameter| parameter["name"] == **name) {
            wrong.push(format!("the parameter {name} is not documented"));
        }
    }
    for name in sent.headers.keys() {
        let same = |parameter: &Value| {
            parameter["name"]
                .as_str()
                .unwrap()
                .eq_ignore_ascii_case(name.as_str())
        };
        if !SENT.contains(&name.as_str()) && !declared("header").any(same) {
            wrong.push(format!("the header {name} is not documented"));
        }
    }
    let path = operation.path.split('/').zip(sent.url.path().split('/'));
    let path: Vec<_> = path.collect();
    for parameter in &operation.parameters {
        let name = parameter["name"].as_str().unwrap();
        let values: Vec<String> = match parameter["in"].as_str().unwrap() {
            "query" => {
                let values = query.iter().filter(|(sent, _)| sent == name);
                values
                    .map(|(_, value)| value.clone().into_owned())
                    .collect()
            }
            "header" => texts(&sent.headers, name),
            _ => {
                let template = format!("{{{name}}}");
                let values = path.iter().filter(|(known, _)| *known == template);
                values.map(|(_, value)| (*value).to_owned()).collect()
            }
        };
        if values.is_empty() && parameter["required"] == true {
            wrong.push(format!("{name} is missing"));
        }
        for value in &values {
            check_text(contract, Side::Request, name, parameter, value, wrong);
        }
    }
    check_sent_body(contract, operation, sent, wrong);
}

fn check_sent_body(
    contract: &Contract,
    operation: &Operation,
    sent: &Sent,
    wrong: &mut Vec<String>,
) {
    let documented = &operation.written["requestBody"];
    if documented.is_null() || sent.body.is_empty() {
        if documented["required"] == true {
            wrong.push("the request needs a body".to_owned());
        } else if !sent.body.is_empty() {
            wrong.push("the request has a body, and none is documented".to_owned());
        }
        return;
    }
    let kind = texts(&sent.headers, "content-type").concat();
    let Some(content) = documented["content"].get(&kind) else {
        return wrong.push(format!("the request is of the undocumented type {kind}"));
    };
    let body = serde_json::from_slice(&sent.body).unwrap();
    for error in contract.errors(Side::Request, &content["schema"], &body) {
        wrong.push(format!("the request: {error}"));
    }
}

/// Notes what is wrong with an answer.
pub fn check_answer(
    contract: &Contract,
    response: &Value,
    answer: &Answer,
    text: &str,
    wrong: &mut Vec<String>,
) {
    check_answered_headers(contract, response, &answer.headers, wrong);
    let kind = answer.header("content-type");
    let Some(documented) = response["content"].as_object() else {
        if !text.is_empty() || kind.is_some() {
            wrong.push("the answer has a body, and none is documented".to_owned());
        }
        return;
    };
    let Some(content) = kind.and_then(|kind| documented.get(kind)) else {
        return wrong.push(format!("the answer is of the undocumented type {kind:?}"));
    };
    for error in contract.errors(Side::Answer, &content["schema"], &answer.body) {
        wrong.push(format!("the answer: {error}"));
    }
    if kind == Some("application/problem+json") {
        check_problem(contract, content, answer, wrong);
    }
}

fn check_answered_headers(
    contract: &Contract,
    response: &Value,
    headers: &HeaderMap,
    wrong: &mut Vec<String>,
) {
    let documented = response["headers"].as_object().unwrap();
    for (name, header) in documented {
        let header = contract.follow(header);
        let values = texts(headers, name);
        if values.is_empty() && header["required"] == true {
            wrong.push(format!("the header {name} is missing"));
        }
        for value in &values {
            check_text(contract, Side::Answer, name, header, value, wrong);
        }
    }
    let is_documented = |name: &str| {
        documented
            .keys()
            .any(|each| each.eq_ignore_ascii_case(name))
    };
    for name in headers.keys() {
        if !ANSWERED.contains(&name.as_str()) && !is_documented(name.as_str()) {
            wrong.push(format!("the header {name} is not documented"));
        }
    }
    let is_of_function = headers.contains_key("x-request-id");
    if is_of_function
        && !is_documented("cache-control")
        && texts(headers, "cache-control") != ["no-store"]
    {
        wrong.push("the answer may be cached, and the document does not say so".to_owned());
    }
}

/// A problem is about its answer, and its code is one of the examples' there.
fn check_problem(contract: &Contract, content: &Value, answer: &Answer, wrong: &mut Vec<String>) {
    let examples = content["examples"].as_object().unwrap().values();
    let mut codes = examples.map(|example| &contract.follow(example)["value"]["code"]);
    let body = &answer.body;
    if !codes.any(|code| *code == body["code"]) {
        wrong.push(format!(
            "no example of the answer has the code {}",
            body["code"]
        ));
    }
    if body["status"] != answer.status.as_u16() {
        wrong.push("the problem names another status".to_owned());
    }
    if body["requestId"].as_str() != answer.header("x-request-id") {
        wrong.push("the problem names another request".to_owned());
    }
    if (body["code"] == "invalid") != body["errors"].is_array() {
        wrong.push("wrong fields go with the code invalid".to_owned());
    }
}

/// A parameter or a header: a text, or the number that it spells.
fn check_text(
    contract: &Contract,
    side: Side,
    name: &str,
    documented: &Value,
    text: &str,
    wrong: &mut Vec<String>,
) {
    let schema = &documented["schema"];
    let number = text.parse::<i64>().ok();
    let value = match number.filter(|_| schema["type"] == "integer") {
        Some(number) => json!(number),
        None => json!(text),
    };
    for error in contract.errors(side, schema, &value) {
        wrong.push(format!("{name}: {error}"));
    }
}

fn texts(headers: &HeaderMap, name: &str) -> Vec<String> {
    let values = headers.get_all(name).iter();
    values
        .map(|value| value.to_str().unwrap().to_owned())
        .collect()
}
