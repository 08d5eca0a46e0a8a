//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::start_recovery::{Command, StartRecovery};

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

/// `POST /users/{id}/recovery`.
pub async fn handle(start: Arc<StartRecovery>, request: Request) -> Response {
    let command = Command {
        target: request.target()?,
        caller: request.signed_in()?.user_id,
    };
    start.execute(command).await?;
    response::accepted()
}
