//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::deregister_service::{Command, DeregisterService};

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

/// `DELETE /services/{name}`.
pub async fn handle(deregister: Arc<DeregisterService>, request: Request) -> Response {
    let command = Command {
        name: request.named("name")?,
        origin: request.origin(),
    };
    deregister.execute(command).await?;
    response::no_content()
}
