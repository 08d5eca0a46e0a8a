//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Email,
    lambda::http::{Access, Request, Response, response},
};

use crate::request_password_reset::{Command, RequestPasswordReset};

/// Anyone, for any address.
pub const ACCESS: Access = Access::Anyone;

/// `POST /password-resets`.
pub async fn handle(reset: Arc<RequestPasswordReset>, request: Request) -> Response {
    let mut fields = request.fields()?;
    let email = fields.parse::<Email>("email");
    let email = fields.finish(email)?;
    let origin = request.origin();
    reset.execute(Command { email, origin }).await?;
    response::accepted()
}
