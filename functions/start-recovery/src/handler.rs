//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::start_recovery::{Command, StartRecovery};

/// Support.
pub const ACCESS: Access = Access::SUPPORT.recent();

/// `POST /users/{id}/recovery`.
pub async fn handle(start: Arc<StartRecovery>, request: Request) -> Response {
    let command = Command {
        target: request.target()?,
        caller: request.origin().actor,
    };
    start.execute(command).await?;
    response::accepted()
}
