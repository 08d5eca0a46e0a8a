//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::deactivate_user::DeactivateUser;

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

/// `POST /users/{id}/deactivate`.
pub async fn handle(deactivate: Arc<DeactivateUser>, request: Request) -> Response {
    let user = deactivate.execute(&request.target()?).await?;
    response::user(&user)
}
