//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::withdraw_email_change::WithdrawEmailChange;

/// The user alone, who asked for the address.
pub const ACCESS: Access = Access::OWNER;

/// `DELETE /users/{id}/email`.
pub async fn handle(withdraw: Arc<WithdrawEmailChange>, request: Request) -> Response {
    withdraw.execute(&request.target()?).await?;
    response::no_content()
}
