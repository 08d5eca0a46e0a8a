//! HTTP to the use case and back.

use std::sync::Arc;

use serde::Serialize;
use shared::lambda::http::{
    Access, Request, Response, StatusCode,
    response::{self, ServiceBody},
};

use crate::rotate_service_secret::{Command, RotateServiceSecret};

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

/// `POST /services/{name}/secret`.
pub async fn handle(rotate: Arc<RotateServiceSecret>, request: Request) -> Response {
    let command = Command {
        name: request.named("name")?,
        origin: request.origin(),
    };
    let (service, secret) = rotate.execute(command).await?;
    let body = Body {
        service: ServiceBody::new(&service),
        secret: secret.expose(),
    };
    response::json(StatusCode::OK, &body)
}

/// The service and, this once, its new secret.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    service: ServiceBody<'a>,
    secret: &'a str,
}
