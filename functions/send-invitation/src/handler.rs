//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::send_invitation::SendInvitation;

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

/// `POST /invitations/{id}/send`.
pub async fn handle(send: Arc<SendInvitation>, request: Request) -> Response {
    send.execute(&request.target()?).await?;
    response::accepted()
}
