//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::delete_user::{Command, DeleteUser};

/// The user, and administrators.
pub const ACCESS: Access = Access::OWNER_OR_ADMIN.recent().repeatable();

/// `DELETE /users/{id}`.
pub async fn handle(delete: Arc<DeleteUser>, request: Request) -> Response {
    let command = Command {
        target: request.target()?,
        idempotency_key: request.idempotency_key()?,
        is_former: request.former_caller.is_some(),
    };
    delete.execute(command).await?;
    response::no_content()
}
