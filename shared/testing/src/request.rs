//! Requests as API Gateway sends them, and the answers to them.

use lambda_http::{Body, Request as RawRequest, Response as RawResponse, http::HeaderMap};
use serde_json::{Value, json};

/// The host that every request names.
const HOST: &str = "api.example.com";

/// The client address of every request.
pub const CLIENT_IP: &str = "203.0.113.7";

/// A request in the making.
#[derive(Debug, Clone)]
pub struct TestRequest(Value);

impl TestRequest {
    /// A request without a body. Parameters stand in the path as in the template: `/users/{id}`.
    pub fn new(method: &str, path: &str) -> Self {
        let route = format!("{method} {path}");
        Self(json!({
            "version": "2.0",
            "routeKey": route,
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"host": HOST, "user-agent": "test"},
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api",
                "domainName": HOST,
                "domainPrefix": "api",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": CLIENT_IP, "userAgent": "test"},
                "requestId": "request-1",
                "routeKey": route,
                "stage": "$default",
                "time": "01/Jan/2026:00:00:00 +0000",
                "timeEpoch": 1_767_225_600_000_i64
            },
            "isBase64Encoded": false
        }))
    }

    /// With a value for a parameter of the path.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        let path = self.0["rawPath"].as_str().unwrap_or_default();
        let path = path.replace(&format!("{{{name}}}"), value);
        self.0["requestContext"]["http"]["path"] = json!(path);
        self.0["rawPath"] = json!(path);
        self.0["pathParameters"][name] = json!(value);
        self
    }

    /// With the parameter `id`: the user whom it is about.
    #[must_use]
    pub fn id(self, id: &(impl ToString + ?Sized)) -> Self {
        self.parameter("id", &id.to_string())
    }

    /// Whether its path has a place for the parameter `id`.
    pub(crate) fn has_id(&self) -> bool {
        let path = self.0["rawPath"].as_str();
        path.is_some_and(|path| path.contains("{id}"))
    }

    #[must_use]
    pub fn query(mut self, query: &str) -> Self {
        self.0["rawQueryString"] = json!(query);
        self
    }

    /// With a header, its name in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = json!(value);
        self
    }

    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    #[must_use]
    pub fn body(mut self, content_type: &str, body: &str) -> Self {
        self.0["body"] = json!(body);
        self.header("content-type", content_type)
    }

    /// The request as the Lambda runtime hands it to the function.
    pub fn into_raw(self) -> RawRequest {
        let raw = lambda_http::request::from_str(&self.0.to_string());
        raw.expect("a payload of format 2.0")
    }
}

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    pub headers: HeaderMap,
    /// The body; null if it is not JSON.
    pub body: Value,
}

impl Answer {
    /// Reads a response.
    pub fn new(response: &RawResponse<Body>) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: serde_json::from_slice(response.body()).unwrap_or(Value::Null),
        }
    }

    /// Status and code of a problem.
    pub fn problem(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    /// A header, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Pointers and codes of the invalid fields.
    pub fn invalid_fields(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array();
        let errors = errors.into_iter().flatten();
        errors
            .map(|error| (error["pointer"].as_str(), error["code"].as_str()))
            .map(|(pointer, code)| (pointer.unwrap_or_default(), code.unwrap_or_default()))
            .collect()
    }
}
