//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    application::link_password::{Chosen, PasswordChoice},
    domain::{Name, Password},
    lambda::{
        body,
        http::{Access, Request, Response, StatusCode, body::JsonObject, response},
    },
};

use crate::reset_password::ResetPassword;

/// Anyone who has the token; who is signed in to the account as well keeps it.
pub const ACCESS: Access = Access::ANYONE_OR_CALLER;

body! {
    struct Body {
        token: String = text("token"),
        password: Password = text("newPassword"),
        name: Option<Name> = optional("name", JsonObject::text),
    }
}

/// `PUT /password-resets`.
pub async fn handle(reset: Arc<ResetPassword>, request: Request) -> Response {
    let Body {
        token,
        password,
        name,
    } = request.body()?;
    let command = PasswordChoice {
        token: token.parse()?,
        password,
        name,
        caller: request.caller.as_ref().map(|caller| caller.user_id),
        issuer: request.issuer.clone(),
        origin: request.origin(),
    };
    match reset.execute(command).await? {
        Chosen::SignedIn(token_pair) => response::token_pair(StatusCode::OK, &token_pair),
        Chosen::Repeated => response::no_content(),
    }
}
