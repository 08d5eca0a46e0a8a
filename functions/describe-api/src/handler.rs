//! HTTP to the query and back.

use std::sync::Arc;

use lambda_http::http::{Method, StatusCode, header};
use serde_json::json;
use shared::{
    domain::Refusal,
    http::{Access, Call, Reply, reply},
};

use crate::describe_api::DescribeApi;

/// What the API is, is no secret.
pub const ACCESS: Access = Access::Anyone;

/// `GET /health`, `GET /openapi.json`, and whatever no other function answers.
pub async fn handle(describe: Arc<DescribeApi>, call: Call) -> Reply {
    match (&call.method, call.path.as_str()) {
        (&Method::GET, "/health") => reply::json(StatusCode::OK, &json!({"status": "ok"})),
        (&Method::GET, "/openapi.json") => {
            let response = reply::json_text(describe.document())?;
            reply::with_header(response, header::CACHE_CONTROL, "public, max-age=300")
        }
        (_, path) => Err(match describe.allowed(path) {
            Some(methods) => Refusal::MethodNotAllowed(methods).into(),
            None => Refusal::NotFound.into(),
        }),
    }
}
