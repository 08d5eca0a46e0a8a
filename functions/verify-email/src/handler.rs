//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Password,
    lambda::{
        body,
        http::{Access, Request, Response, body::JsonObject, response},
    },
};

use crate::{
    accept_invitation::Acceptance,
    verify_email::{Command, VerifyEmail},
};

/// Whoever has the token.
pub const ACCESS: Access = Access::ANYONE;

body! {
    struct Body {
        token: String = text("token"),
        new_password: Option<Password> = optional("newPassword", JsonObject::text),
    }
}

/// `PUT /email-verifications`.
pub async fn handle(verify: Arc<VerifyEmail>, request: Request) -> Response {
    let Body {
        token,
        new_password,
    } = request.body()?;
    let (token, origin) = (token.parse()?, request.origin());
    let Some(password) = new_password else {
        verify.execute(Command { token, origin }).await?;
        return response::no_content();
    };
    let acceptance = Acceptance {
        token,
        password,
        issuer: request.issuer.clone(),
        origin,
    };
    response::began(&verify.accept.execute(acceptance).await?)
}
