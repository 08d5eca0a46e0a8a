//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::reactivate_user::{Command, ReactivateUser};

/// Administrators.
pub const ACCESS: Access = Access::Admin;

/// `POST /users/{id}/reactivate`.
pub async fn handle(reactivate: Arc<ReactivateUser>, request: Request) -> Response {
    let target = request.target()?;
    let user = reactivate.execute(Command { target }).await?;
    response::user(&user)
}
