//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::start_recovery::StartRecovery;

/// Support and administrators.
pub const ACCESS: Access = Access::SUPPORT.recent();

/// `POST /users/{id}/recovery`.
pub async fn handle(start: Arc<StartRecovery>, request: Request) -> Response {
    start.execute(&request.target()?).await?;
    response::accepted()
}
