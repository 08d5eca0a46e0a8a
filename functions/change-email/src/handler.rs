//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Email, Password},
    lambda::{
        body,
        http::{Access, Request, Response, response},
    },
};

use crate::change_email::{ChangeEmail, Command};

/// The user alone, who also gives the password: a stolen access token must not take an account over.
pub const ACCESS: Access = Access::Owner;

body! {
    struct Body {
        email: Email = text("email"),
        password: Password = text("password"),
    }
}

/// `PUT /users/{id}/email`.
pub async fn handle(change: Arc<ChangeEmail>, request: Request) -> Response {
    let target = request.target()?;
    let Body { email, password } = request.body()?;
    let command = Command {
        target,
        email,
        password,
    };
    change.execute(command).await?;
    response::accepted()
}
