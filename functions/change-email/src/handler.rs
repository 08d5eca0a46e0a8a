//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Email, Password},
    lambda::http::{Access, Request, Response, response},
};

use crate::change_email::{ChangeEmail, Command};

/// The user alone, who also gives the password: a stolen access token must not take an account over.
pub const ACCESS: Access = Access::Owner;

/// `PUT /users/{id}/email`.
pub async fn handle(change: Arc<ChangeEmail>, request: Request) -> Response {
    let target = request.target()?;
    let mut fields = request.fields()?;
    let email = fields.parse::<Email>("email");
    let password = fields.text("password").map(|raw| Password::presented(&raw));
    let (email, password) = fields.finish(email.zip(password))?;
    let command = Command {
        target,
        email,
        password,
    };
    change.execute(command).await?;
    response::accepted()
}
