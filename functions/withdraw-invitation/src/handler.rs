//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::withdraw_invitation::WithdrawInvitation;

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

/// `DELETE /invitations/{id}`.
pub async fn handle(withdraw: Arc<WithdrawInvitation>, request: Request) -> Response {
    withdraw.execute(&request.target()?).await?;
    response::no_content()
}
