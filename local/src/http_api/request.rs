//! A request as the event of payload format 2.0.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::http::{HeaderMap, header, request::Parts};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::routes::{self, Match};
use crate::template::ACCOUNT;

/// A request on its way to a function.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    pub(super) id: &'a str,
    pub(super) parts: &'a Parts,
    pub(super) body: &'a [u8],
    pub(super) peer: SocketAddr,
    pub(super) port: u16,
    pub(super) at: Timestamp,
}

impl Incoming<'_> {
    /// The [event](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html)
    /// for the function of `found`.
    pub(super) fn event(&self, found: &Match<'_>) -> Value {
        let route_key = route_key(found);
        // API Gateway decodes the path that it hands on.
        let path = routes::decode(self.parts.uri.path());
        let query = self.parts.uri.query().unwrap_or_default();
        let domain = self.header(header::HOST.as_str());
        let mut event = json!({
            "version": "2.0",
            "routeKey": route_key,
            "rawPath": path,
            "rawQueryString": query,
            "headers": self.headers(),
            "requestContext": {
                "accountId": ACCOUNT,
                "apiId": found.route.api,
                "domainName": domain,
                "domainPrefix": domain.split('.').next(),
                "http": {
                    "method": self.parts.method.as_str(),
                    "path": path,
                    "protocol": format!("{:?}", self.parts.version),
                    "sourceIp": self.peer.ip(),
                    "userAgent": self.header(header::USER_AGENT.as_str()),
                },
                "requestId": self.id,
                "routeKey": route_key,
                "stage": "$default",
                "time": self.at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
                "timeEpoch": self.at.as_millisecond(),
            },
            "isBase64Encoded": false,
        });
        if let Value::Object(event) = &mut event {
            self.add_optional(event, found, query);
        }
        event
    }

    /// The parts which an event has only where the request has them.
    fn add_optional(&self, event: &mut Map<String, Value>, found: &Match<'_>, query: &str) {
        let cookies = self.cookies();
        if !cookies.is_empty() {
            event.insert("cookies".to_owned(), json!(cookies));
        }
        if !query.is_empty() {
            event.insert("queryStringParameters".to_owned(), json!(parameters(query)));
        }
        if !found.parameters.is_empty() {
            event.insert("pathParameters".to_owned(), json!(found.parameters));
        }
        if self.body.is_empty() {
            return;
        }
        let text = std::str::from_utf8(self.body)
            .ok()
            .filter(|_| is_text(&self.header(header::CONTENT_TYPE.as_str())));
        let body = match text {
            Some(text) => text.to_owned(),
            None => STANDARD.encode(self.body),
        };
        event.insert("isBase64Encoded".to_owned(), json!(text.is_none()));
        event.insert("body".to_owned(), json!(body));
    }

    /// Headers in lower case, several values joined with commas, cookies left out, and with what
    /// API Gateway adds.
    fn headers(&self) -> BTreeMap<String, String> {
        let mut headers = BTreeMap::new();
        for name in self.parts.headers.keys() {
            if *name != header::COOKIE {
                headers.insert(name.as_str().to_owned(), self.header(name.as_str()));
            }
        }
        let forwarded = match headers.get("x-forwarded-for") {
            Some(earlier) => format!("{earlier}, {}", self.peer.ip()),
            None => self.peer.ip().to_string(),
        };
        headers.insert("x-forwarded-for".to_owned(), forwarded);
        headers.insert("x-forwarded-port".to_owned(), self.port.to_string());
        headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
        headers
    }

    fn header(&self, name: &str) -> String {
        values(&self.parts.headers, name).join(",")
    }

    fn cookies(&self) -> Vec<String> {
        values(&self.parts.headers, header::COOKIE.as_str())
            .iter()
            .flat_map(|value| value.split(';'))
            .map(|cookie| cookie.trim().to_owned())
            .filter(|cookie| !cookie.is_empty())
            .collect()
    }
}

fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

fn route_key(found: &Match<'_>) -> String {
    match (&found.route.method, &found.route.path) {
        (_, None) => "$default".to_owned(),
        (None, Some(path)) => format!("ANY {path}"),
        (Some(method), Some(path)) => format!("{method} {path}"),
    }
}

/// Parameters of a query, decoded, several values of one name joined with commas.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::<String, String>::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    parameters
}

/// Whether API Gateway hands a body of this type on as text. Forms are not among them.
fn is_text(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence.is_empty()
        || essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || [
            "application/json",
            "application/javascript",
            "application/xml",
        ]
        .contains(&essence.as_str())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::{http_api::routes::Routes, template::Route};

    fn event(request: axum::http::request::Builder, body: &[u8]) -> Value {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let routes = Routes::new(&[Route {
            method: Some("POST".to_owned()),
            path: Some("/users/{id}".to_owned()),
            function: "F".to_owned(),
            api: "Api".to_owned(),
        }]);
        let incoming = Incoming {
            id: "request-1",
            parts: &parts,
            body,
            peer: ([127, 0, 0, 1], 50_000).into(),
            port: 3000,
            at: "2020-03-12T19:03:58.5Z".parse().unwrap(),
        };
        incoming.event(&routes.find("POST", parts.uri.path()).unwrap())
    }

    #[test]
    fn the_event_has_the_shape_of_payload_format_2() {
        let request = Request::post("/users/a%20b?x=1&x=2&y=a%26b+c")
            .header("Host", "127.0.0.1:3000")
            .header("User-Agent", "agent")
            .header("Content-Type", "application/json")
            .header("X-Many", "one")
            .header("X-Many", "two")
            .header("Cookie", "a=1; b=2");
        assert_eq!(
            event(request, "{\"é\":1}".as_bytes()),
            json!({
                "version": "2.0",
                "routeKey": "POST /users/{id}",
                "rawPath": "/users/a b",
                "rawQueryString": "x=1&x=2&y=a%26b+c",
                "cookies": ["a=1", "b=2"],
                "headers": {
                    "content-type": "application/json",
                    "host": "127.0.0.1:3000",
                    "user-agent": "agent",
                    "x-forwarded-for": "127.0.0.1",
                    "x-forwarded-port": "3000",
                    "x-forwarded-proto": "http",
                    "x-many": "one,two",
                },
                "queryStringParameters": { "x": "1,2", "y": "a&b c" },
                "pathParameters": { "id": "a b" },
                "requestContext": {
                    "accountId": "000000000000",
                    "apiId": "Api",
                    "domainName": "127.0.0.1:3000",
                    "domainPrefix": "127",
                    "http": {
                        "method": "POST",
                        "path": "/users/a b",
                        "protocol": "HTTP/1.1",
                        "sourceIp": "127.0.0.1",
                        "userAgent": "agent",
                    },
                    "requestId": "request-1",
                    "routeKey": "POST /users/{id}",
                    "stage": "$default",
                    "time": "12/Mar/2020:19:03:58 +0000",
                    "timeEpoch": 1_584_039_838_500_i64,
                },
                "body": "{\"é\":1}",
                "isBase64Encoded": false,
            })
        );
    }

    #[test]
    fn what_a_request_does_not_have_its_event_has_not_either() {
        let event = event(Request::post("/users/1"), b"");
        for absent in ["body", "cookies", "queryStringParameters"] {
            assert_eq!(event.get(absent), None, "{absent}");
        }
        assert_eq!(event["rawQueryString"], "");
    }

    #[test]
    fn only_text_types_stay_text() {
        for (content_type, body, base64) in [
            ("application/json; charset=utf-8", b"{}".as_slice(), false),
            ("application/merge-patch+json", b"{}", false),
            ("text/plain", b"{}", false),
            ("text/plain", b"\xff", true),
            ("application/octet-stream", b"{}", true),
            ("application/x-www-form-urlencoded", b"a=1", true),
        ] {
            let event = event(
                Request::post("/users/1").header("content-type", content_type),
                body,
            );
            assert_eq!(event["isBase64Encoded"], base64, "{content_type}");
        }
    }
}
