//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::get_user::{GetUser, Query};

/// The user, and administrators.
pub const ACCESS: Access = Access::OWNER_OR_READER;

/// `GET /users/{id}`.
pub async fn handle(get: Arc<GetUser>, request: Request) -> Response {
    let id = request.user_id()?;
    let user = get.execute(&Query { id }).await?;
    response::user(&user)
}
