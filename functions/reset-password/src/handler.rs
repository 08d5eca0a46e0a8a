//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Password,
    lambda::{
        body,
        http::{Access, Request, Response, response},
    },
};

use crate::reset_password::{Command, ResetPassword};

/// Whoever has the token.
pub const ACCESS: Access = Access::ANYONE;

body! {
    struct Body {
        token: String = text("token"),
        password: Password = text("newPassword"),
    }
}

/// `PUT /password-resets`.
pub async fn handle(reset: Arc<ResetPassword>, request: Request) -> Response {
    let Body { token, password } = request.body()?;
    let command = Command {
        token: token.parse()?,
        password,
        origin: request.origin(),
    };
    reset.execute(command).await?;
    response::no_content()
}
