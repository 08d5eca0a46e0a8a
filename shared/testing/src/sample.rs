//! Requests as API Gateway sends them, for tests.

use domain::Error;
use lambda_http::Request as RawRequest;
use serde_json::{Value, json};

/// The source address of every sample.
pub const SOURCE: &str = "203.0.113.7";

/// The host every sample was sent to.
pub const HOST: &str = "api.example.com";

/// A request to be.
#[derive(Debug, Clone)]
pub struct Sample(Value);

impl Sample {
    /// A request without body.
    pub fn new(method: &str, path: &str) -> Self {
        Self(json!({
            "version": "2.0",
            "routeKey": format!("{method} {path}"),
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"host": HOST, "user-agent": "test"},
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api",
                "domainName": HOST,
                "domainPrefix": "api",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": SOURCE, "userAgent": "test"},
                "requestId": "request-1",
                "routeKey": format!("{method} {path}"),
                "stage": "$default",
                "time": "01/Jan/2026:00:00:00 +0000",
                "timeEpoch": 1_767_225_600_000_i64
            },
            "isBase64Encoded": false
        }))
    }

    /// A request for something of the user `id`, such as `/export`.
    pub fn of_user(method: &str, id: &str, what: &str) -> Self {
        Self::new(method, &format!("/users/{id}{what}")).parameter("id", id)
    }

    /// With a header, its name in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = json!(value);
        self
    }

    /// With a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With a body of JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: &str) -> Self {
        self.0["body"] = json!(body);
        self.header("content-type", content_type)
    }

    /// With a query.
    #[must_use]
    pub fn query(mut self, query: &str) -> Self {
        self.0["rawQueryString"] = json!(query);
        self
    }

    /// With a path parameter.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.0["pathParameters"][name] = json!(value);
        self
    }

    /// The request as the runtime would hand it over.
    ///
    /// # Errors
    /// If the sample is no payload of format 2.0.
    pub fn into_request(self) -> Result<RawRequest, Error> {
        lambda_http::request::from_str(&self.0.to_string()).map_err(Error::caused_by)
    }
}
