//! HTTP to the query and back.

use std::sync::Arc;

use serde::Serialize;
use shared::lambda::http::{
    Access, Request, Response, StatusCode,
    response::{self, InstanceBody, ServiceBody},
};

use crate::get_service::GetService;

/// Administrators.
pub const ACCESS: Access = Access::ADMIN;

/// `GET /services/{name}`.
pub async fn handle(get: Arc<GetService>, request: Request) -> Response {
    let (service, instances) = get.execute(&request.named("name")?).await?;
    let body = Body {
        service: ServiceBody::new(&service),
        instances: instances.iter().map(InstanceBody::new).collect(),
    };
    response::json(StatusCode::OK, &body)
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    service: ServiceBody<'a>,
    instances: Vec<InstanceBody<'a>>,
}
