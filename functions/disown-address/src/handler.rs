//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::{
    body,
    http::{Access, Request, Response, response},
};

use crate::disown_address::{Command, DisownAddress};

/// Anyone who has the token.
pub const ACCESS: Access = Access::ANYONE;

body! {
    struct Body {
        token: String = text("token"),
    }
}

/// `DELETE /email-verifications`.
pub async fn handle(disown: Arc<DisownAddress>, request: Request) -> Response {
    let Body { token } = request.body()?;
    let command = Command {
        token: token.parse()?,
        origin: request.origin(),
    };
    disown.execute(command).await?;
    response::no_content()
}
