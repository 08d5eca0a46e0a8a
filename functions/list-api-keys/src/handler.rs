//! HTTP to the use case and back.

use std::sync::Arc;

use serde::Serialize;
use shared::lambda::http::{Access, Request, Response, StatusCode, response};

use crate::list_api_keys::ListApiKeys;

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

/// `GET /api-keys`.
pub async fn handle(list: Arc<ListApiKeys>, _: Request) -> Response {
    let keys = list.execute().await?;
    let data = keys.iter().map(response::ApiKeyBody::new).collect();
    response::json(StatusCode::OK, &Body { data })
}

#[derive(Serialize)]
struct Body<'a> {
    data: Vec<response::ApiKeyBody<'a>>,
}
