//! HTTP to the use case and back.

use std::sync::Arc;

use serde::Serialize;
use shared::{
    domain::service::EventFilter,
    lambda::{
        body,
        http::{
            Access, Request, Response, StatusCode,
            body::JsonObject,
            response::{self, ServiceBody},
        },
    },
};

use crate::register_service::{Command, RegisterService, Registered};

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

body! {
    struct Body {
        filter: Option<EventFilter> = optional("filter", |object: &mut JsonObject, name| object.json(name, EventFilter::parse)),
    }
}

/// `PUT /services/{name}`.
pub async fn handle(register: Arc<RegisterService>, request: Request) -> Response {
    let name = request.named("name")?;
    let Body { filter } = request.body()?;
    let command = Command {
        name,
        filter: filter.unwrap_or_else(EventFilter::everything),
        origin: request.origin(),
    };
    match register.execute(command).await? {
        Registered::New(service, secret) => {
            let body = New {
                service: ServiceBody::new(&service),
                secret: secret.expose(),
            };
            response::json(StatusCode::CREATED, &body)
        }
        Registered::Known(service) => response::json(StatusCode::OK, &ServiceBody::new(&service)),
    }
}

/// The service and, this once, its secret.
#[derive(Serialize)]
struct New<'a> {
    #[serde(flatten)]
    service: ServiceBody<'a>,
    secret: &'a str,
}
