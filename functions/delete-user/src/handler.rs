//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::delete_user::DeleteUser;

/// The user, and administrators.
pub const ACCESS: Access = Access::OWNER_OR_ADMIN.recent();

/// `DELETE /users/{id}`.
pub async fn handle(delete: Arc<DeleteUser>, request: Request) -> Response {
    delete.execute(&request.target()?).await?;
    response::no_content()
}
