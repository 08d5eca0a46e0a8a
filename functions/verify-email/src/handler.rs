//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::{
    body,
    http::{Access, Request, Response, response},
};

use crate::verify_email::{Command, VerifyEmail};

/// Whoever has the token.
pub const ACCESS: Access = Access::ANYONE;

body! {
    struct Body {
        token: String = text("token"),
    }
}

/// `PUT /email-verifications`.
pub async fn handle(verify: Arc<VerifyEmail>, request: Request) -> Response {
    let Body { token } = request.body()?;
    let command = Command {
        token: token.parse()?,
        origin: request.origin(),
    };
    verify.execute(command).await?;
    response::no_content()
}
