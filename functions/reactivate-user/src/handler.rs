//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::reactivate_user::ReactivateUser;

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

/// `POST /users/{id}/reactivate`.
pub async fn handle(reactivate: Arc<ReactivateUser>, request: Request) -> Response {
    let user = reactivate.execute(&request.target()?).await?;
    response::user(&user)
}
