//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Email, Password},
    lambda::{
        body,
        http::{Access, Request, Response, body::JsonObject, response},
    },
};

use crate::change_email::{ChangeEmail, Command};

/// The user alone, who also gives the password or signed in just now: a stolen access token must not take
/// an account over.
pub const ACCESS: Access = Access::OWNER.recent_or_password();

body! {
    struct Body {
        email: Email = text("email"),
        password: Option<Password> = optional("currentPassword", JsonObject::text),
    }
}

/// `PUT /users/{id}/email`.
pub async fn handle(change: Arc<ChangeEmail>, request: Request) -> Response {
    let target = request.target()?;
    let Body { email, password } = request.body()?;
    if password.is_none() {
        request.signed_in()?.require_recent()?;
    }
    let command = Command {
        target,
        email,
        password,
        session_id: request.signed_in()?.session_id,
    };
    change.execute(command).await?;
    response::accepted()
}
