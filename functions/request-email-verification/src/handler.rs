//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Email,
    lambda::{
        body,
        http::{Access, Request, Response, response},
    },
};

use crate::request_email_verification::{Command, RequestEmailVerification};

/// Anyone, for any address.
pub const ACCESS: Access = Access::ANYONE;

body! {
    struct Body {
        email: Email = text("email"),
    }
}

/// `POST /email-verifications`.
pub async fn handle(verification: Arc<RequestEmailVerification>, request: Request) -> Response {
    let Body { email } = request.body()?;
    let origin = request.origin();
    verification.execute(Command { email, origin }).await?;
    response::accepted()
}
