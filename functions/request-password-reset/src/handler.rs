//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Email,
    lambda::{
        body,
        http::{Access, Request, Response, response},
    },
};

use crate::request_password_reset::{Command, RequestPasswordReset};

/// Anyone, for any address.
pub const ACCESS: Access = Access::ANYONE;

body! {
    struct Body {
        email: Email = text("email"),
    }
}

/// `POST /password-resets`.
pub async fn handle(reset: Arc<RequestPasswordReset>, request: Request) -> Response {
    let Body { email } = request.body()?;
    let origin = request.origin();
    reset.execute(Command { email, origin }).await?;
    response::accepted()
}
