//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Audience,
    lambda::{
        body,
        http::{Access, Request, Response, StatusCode, body::JsonObject, response},
    },
};

use crate::refresh_session::{Command, RefreshSession};

/// The refresh token says who it is.
pub const ACCESS: Access = Access::ANYONE;

body! {
    struct Body {
        token: String = text("refreshToken"),
        audience: Option<Audience> = optional("audience", JsonObject::text),
    }
}

/// `POST /sessions/refresh`.
pub async fn handle(refresh: Arc<RefreshSession>, request: Request) -> Response {
    let Body { token, audience } = request.body()?;
    let command = Command {
        token: token.parse()?,
        issuer: request.issuer.clone(),
        audience,
        origin: request.origin(),
    };
    let token_pair = refresh.execute(command).await?;
    response::token_pair(StatusCode::OK, &token_pair)
}
