//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::lift_mail_suppression::LiftMailSuppression;

/// Support and administrators.
pub const ACCESS: Access = Access::SUPPORT.recent();

/// `DELETE /users/{id}/mail-suppression`.
pub async fn handle(lift: Arc<LiftMailSuppression>, request: Request) -> Response {
    lift.execute(&request.target()?).await?;
    response::no_content()
}
