//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Email, Password},
    lambda::http::{Access, Call, Reply, reply},
};

use crate::change_email::{ChangeEmail, Command};

/// The user alone, who also gives the password: a stolen access token must not take an account over.
pub const ACCESS: Access = Access::Owner;

/// `PUT /users/{id}/email`.
pub async fn handle(change: Arc<ChangeEmail>, call: Call) -> Reply {
    let target = call.target()?;
    let mut fields = call.fields()?;
    let email = fields.parse::<Email>("email");
    let password = fields.text("password").map(|raw| Password::presented(&raw));
    let (email, password) = fields.finish(email.zip(password))?;
    let command = Command {
        target,
        email,
        password,
    };
    change.execute(command).await?;
    reply::accepted()
}
