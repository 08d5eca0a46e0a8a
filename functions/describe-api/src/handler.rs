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
pub const ACCESS: Access = Access::Anyone;

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
    use shared::lambda::http::{Authenticator, answer};
    use testing::sample::Sample;

    use super::*;

    async fn send(method: &str, path: &str) -> (u16, String, Option<String>) {
        let document = r#"{"openapi": "3.1.0", "paths": {"/users": {"get": {}, "post": {}}}}"#;
        let describe = Arc::new(DescribeApi::new(document).unwrap());
        let request = Sample::new(method, path).into_request().unwrap();
        let response = answer(ACCESS, &Authenticator::open(""), describe, &handle, request).await;
        assert_eq!(response.headers()["x-request-id"], "request-1");
        let allow = response
            .headers()
            .get(header::ALLOW)
            .map(|value| value.to_str().unwrap().to_owned());
        (
            response.status().as_u16(),
            String::from_utf8(response.body().to_vec()).unwrap(),
            allow,
        )
    }

    #[tokio::test]
    async fn what_there_is_is_described() {
        assert_eq!(send("GET", "/health").await.1, r#"{"status":"ok"}"#);
        assert!(send("GET", "/openapi.json").await.1.contains("3.1.0"));
    }

    #[tokio::test]
    async fn what_there_is_not_is_a_problem() {
        let (status, body, _) = send("GET", "/nothing").await;
        assert_eq!(status, 404);
        assert!(body.contains(r#""code":"not-found""#), "{body}");
        let (status, _, allow) = send("DELETE", "/users").await;
        assert_eq!((status, allow.as_deref()), (405, Some("GET, POST")));
    }
}
