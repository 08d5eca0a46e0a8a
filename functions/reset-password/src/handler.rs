//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::reset_password::{Command, ResetPassword};

/// Whoever has the token.
pub const ACCESS: Access = Access::Anyone;

/// `PUT /password-resets`.
pub async fn handle(reset: Arc<ResetPassword>, request: Request) -> Response {
    let mut fields = request.fields()?;
    let token = fields.text("token");
    let password = fields.text("newPassword");
    let (token, password) = fields.finish(token.zip(password))?;
    let command = Command {
        token: token.parse()?,
        password: password.into(),
        origin: request.origin(),
    };
    reset.execute(command).await?;
    response::no_content()
}
