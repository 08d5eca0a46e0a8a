//! What a function answered, as a response.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;

/// An answer in the form of payload format 2.0.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    headers: Option<BTreeMap<String, Value>>,
    multi_value_headers: Option<BTreeMap<String, Vec<Value>>>,
    cookies: Option<Vec<String>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// The response for a function's answer; `None` where API Gateway calls the answer malformed.
///
/// An answer without `statusCode` is taken as the body of a 200 response.
pub(super) fn response(answer: Value) -> Option<Response> {
    if answer.get("statusCode").is_none() {
        let body = match answer {
            Value::String(text) => text,
            other => other.to_string(),
        };
        return Response::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .ok();
    }
    let answer: Answer = serde_json::from_value(answer).ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in answer.headers.unwrap_or_default() {
        headers.insert(HeaderName::try_from(name).ok()?, header_value(&value)?);
    }
    for (name, values) in answer.multi_value_headers.unwrap_or_default() {
        let name = HeaderName::try_from(name).ok()?;
        headers.remove(&name);
        for value in values {
            headers.append(&name, header_value(&value)?);
        }
    }
    for cookie in answer.cookies.unwrap_or_default() {
        headers.append(header::SET_COOKIE, HeaderValue::try_from(cookie).ok()?);
    }
    // The server writes the length itself, and a wrong one would break the connection.
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    let text = answer.body.unwrap_or_default();
    let has_body = !text.is_empty();
    let body = match answer.is_base64_encoded {
        Some(true) => Body::from(STANDARD.decode(text).ok()?),
        _ => Body::from(text),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status_code).ok()?;
    if has_body && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain;charset=UTF-8"),
        );
    }
    *response.headers_mut() = headers;
    Some(response)
}

fn header_value(value: &Value) -> Option<HeaderValue> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn read(answer: Value) -> (u16, Vec<(String, String)>, String) {
        let (parts, body) = response(answer).unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        (
            parts.status.as_u16(),
            headers,
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }

    #[tokio::test]
    async fn an_answer_becomes_status_headers_cookies_and_body() {
        let (status, mut headers, body) = read(json!({
            "statusCode": 201,
            "headers": { "content-type": "text/plain", "x-number": 7, "content-length": "999" },
            "multiValueHeaders": { "vary": ["a", "b"] },
            "cookies": ["a=1", "b=2"],
            "body": "aGk=",
            "isBase64Encoded": true,
        }))
        .await;
        headers.sort();
        let headers: Vec<_> = headers.iter().map(|(n, v)| format!("{n}: {v}")).collect();
        assert_eq!((status, body.as_str()), (201, "hi"));
        assert_eq!(
            headers,
            [
                "content-type: text/plain",
                "set-cookie: a=1",
                "set-cookie: b=2",
                "vary: a",
                "vary: b",
                "x-number: 7",
            ]
        );
    }

    #[tokio::test]
    async fn an_answer_without_status_is_the_body_of_a_200() {
        let json = vec![("content-type".to_owned(), "application/json".to_owned())];
        assert_eq!(
            read(json!({ "a": 1 })).await,
            (200, json.clone(), r#"{"a":1}"#.to_owned())
        );
        assert_eq!(read(json!("hi")).await, (200, json, "hi".to_owned()));
    }

    #[test]
    fn a_malformed_answer_is_no_response() {
        for answer in [
            json!({ "statusCode": "many" }),
            json!({ "statusCode": 99 }),
            json!({ "statusCode": 200, "body": { "a": 1 } }),
            json!({ "statusCode": 200, "headers": { "a b": "c" } }),
            json!({ "statusCode": 200, "body": "%", "isBase64Encoded": true }),
        ] {
            assert!(response(answer.clone()).is_none(), "{answer}");
        }
    }
}
