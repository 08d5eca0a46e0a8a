//! HTTP to the query and back.

use std::sync::Arc;

use serde_json::json;
use shared::{
    domain::Refusal,
    lambda::http::{
        Access, Method, Request, Response, StatusCode, TransportError, header, response,
    },
};

use crate::describe_api::DescribeApi;

/// What the API is, is no secret.
pub const ACCESS: Access = Access::ANYONE;

/// `GET /health`, `GET /openapi.json`, and whatever no other function answers.
#[allow(clippy::unused_async, reason = "every handler has this shape")]
pub async fn handle(describe: Arc<DescribeApi>, request: Request) -> Response {
    match (&request.method, request.path.as_str()) {
        (&Method::GET, "/health") => response::json(StatusCode::OK, &json!({"status": "ok"})),
        (&Method::GET, "/openapi.json") => {
            let response = response::json_text(describe.document())?;
            response::with_header(response, header::CACHE_CONTROL, "public, max-age=300")
        }
        (_, path) => Err(match describe.allowed(path) {
            Some(methods) => TransportError::MethodNotAllowed(methods).into(),
            None => Refusal::NotFound.into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use testing::{Answer, Endpoint, FakeBackend, TestRequest};

    use super::*;

    async fn send(method: &str, path: &str) -> Answer {
        let endpoint = Endpoint::new(ACCESS, handle, |_| {
            let document = r#"{"openapi": "3.1.0", "paths": {"/users": {"get": {}, "post": {}}}}"#;
            DescribeApi::new(document).unwrap()
        });
        let request = TestRequest::new(method, path);
        let answer = endpoint.answer(&FakeBackend::new(), request).await;
        assert_eq!(answer.header("x-request-id"), Some("request-1"));
        answer
    }

    #[tokio::test]
    async fn what_there_is_is_described() {
        let health = send("GET", "/health").await;
        assert_eq!(health.body.to_string(), r#"{"status":"ok"}"#);
        let document = send("GET", "/openapi.json").await;
        assert_eq!(document.body["openapi"], "3.1.0");
    }

    #[tokio::test]
    async fn what_there_is_not_is_a_problem() {
        let unknown = send("GET", "/nothing").await;
        assert_eq!(unknown.problem(), (404, "not-found"));
        let answer = send("DELETE", "/users").await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, HEAD, POST"))
        );
    }
}
