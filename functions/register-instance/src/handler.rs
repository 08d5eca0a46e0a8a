//! HTTP to the use case and back.

use std::{ops::RangeInclusive, sync::Arc};

use shared::{
    domain::service::InstanceUrl,
    lambda::{
        body,
        http::{
            Access, Request, Response, StatusCode,
            body::JsonObject,
            response::{self, InstanceBody},
        },
    },
};

use crate::register_instance::{Command, RegisterInstance};

/// The service itself, by its key, and administrators.
pub const ACCESS: Access = Access::OWN_SERVICE_OR_ADMIN;

/// Weights which an instance may have.
const WEIGHTS: RangeInclusive<u16> = 1..=100;

/// The weight of an instance that does not say.
const DEFAULT_WEIGHT: u16 = 10;

body! {
    struct Body {
        url: InstanceUrl = text("url"),
        weight: Option<u16> = optional("weight", |object: &mut JsonObject, name| object.integer(name, &WEIGHTS)),
    }
}

/// `PUT /services/{name}/instances/{instance}`.
pub async fn handle(register: Arc<RegisterInstance>, request: Request) -> Response {
    let (service, id) = (request.named("name")?, request.named("instance")?);
    let Body { url, weight } = request.body()?;
    let command = Command {
        service,
        id,
        url,
        weight: weight.unwrap_or(DEFAULT_WEIGHT),
    };
    let instance = register.execute(command).await?;
    response::json(StatusCode::OK, &InstanceBody::new(&instance))
}
