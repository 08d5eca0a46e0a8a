//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::deregister_instance::DeregisterInstance;

/// The service itself, by its key, and administrators.
pub const ACCESS: Access = Access::OWN_SERVICE_OR_ADMIN;

/// `DELETE /services/{name}/instances/{instance}`.
pub async fn handle(deregister: Arc<DeregisterInstance>, request: Request) -> Response {
    let (service, id) = (request.named("name")?, request.named("instance")?);
    deregister.execute(&service, &id).await?;
    response::no_content()
}
