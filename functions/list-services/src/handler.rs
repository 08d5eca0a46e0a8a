//! HTTP to the query and back.

use std::sync::Arc;

use serde::Serialize;
use shared::lambda::http::{
    Access, Request, Response, StatusCode,
    response::{self, ServiceBody},
};

use crate::list_services::ListServices;

/// Administrators.
pub const ACCESS: Access = Access::ADMIN;

/// `GET /services`.
pub async fn handle(list: Arc<ListServices>, _: Request) -> Response {
    let services = list.execute().await?;
    let data = services.iter().map(ServiceBody::new).collect();
    response::json(StatusCode::OK, &Body { data })
}

#[derive(Serialize)]
struct Body<'a> {
    data: Vec<ServiceBody<'a>>,
}
