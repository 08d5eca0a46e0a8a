//! HTTP to the query and back.

use std::sync::Arc;

use serde::Serialize;
use shared::{
    domain::identity::Provider,
    lambda::http::{Access, Request, Response, StatusCode, header, response},
};

use crate::list_identity_providers::ListIdentityProviders;

/// Before the sign-in there is no token.
pub const ACCESS: Access = Access::ANYONE;

/// Providers change with a deployment; one that did not answer is back soon.
const CACHEABLE: &str = "public, max-age=60";

/// `GET /identity-providers`.
pub async fn handle(list: Arc<ListIdentityProviders>, _: Request) -> Response {
    let data = list.execute().await?;
    let response = response::json(StatusCode::OK, &Body { data })?;
    response::with_header(response, header::CACHE_CONTROL, CACHEABLE)
}

#[derive(Serialize)]
struct Body {
    data: Vec<Provider>,
}
