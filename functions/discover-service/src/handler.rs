//! HTTP to the query and back.

use std::sync::Arc;

use serde::Serialize;
use shared::{
    domain::{InstanceId, ServiceName},
    lambda::http::{Access, Request, Response, StatusCode, response},
};

use crate::discover_service::DiscoverService;

/// Services, by their keys, and administrators.
pub const ACCESS: Access = Access::SERVICE_OR_ADMIN;

/// `GET /services/{name}/instance`.
pub async fn handle(discover: Arc<DiscoverService>, request: Request) -> Response {
    let service: ServiceName = request.named("name")?;
    let instance = discover.execute(&service).await?;
    let body = Body {
        service: &service,
        id: &instance.id,
        url: instance.url.as_str(),
    };
    response::json(StatusCode::OK, &body)
}

#[derive(Serialize)]
struct Body<'a> {
    service: &'a ServiceName,
    id: &'a InstanceId,
    url: &'a str,
}
