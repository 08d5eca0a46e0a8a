//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Password,
    lambda::{
        body,
        http::{Access, Request, Response, response},
    },
};

use crate::change_password::{ChangePassword, Command};

/// The user alone: nobody else knows a password.
pub const ACCESS: Access = Access::OWNER.repeatable();

body! {
    struct Body {
        current: Password = text("currentPassword"),
        new: Password = text("newPassword"),
    }
}

/// `PUT /users/{id}/password`.
pub async fn handle(change: Arc<ChangePassword>, request: Request) -> Response {
    let Body { current, new } = request.body()?;
    let command = Command {
        target: request.target()?,
        current,
        session_id: request.caller.as_ref().map(|caller| caller.session_id),
        new,
        idempotency_key: request.idempotency_key()?,
    };
    change.execute(command).await?;
    response::no_content()
}
