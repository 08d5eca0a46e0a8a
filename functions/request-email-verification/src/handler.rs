//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Email,
    lambda::http::{Access, Request, Response, response},
};

use crate::request_email_verification::{Command, RequestEmailVerification};

/// Anyone, for any address.
pub const ACCESS: Access = Access::Anyone;

/// `POST /email-verifications`.
pub async fn handle(verification: Arc<RequestEmailVerification>, request: Request) -> Response {
    let mut fields = request.fields()?;
    let email = fields.parse::<Email>("email");
    let email = fields.finish(email)?;
    let origin = request.origin();
    verification.execute(Command { email, origin }).await?;
    response::accepted()
}
