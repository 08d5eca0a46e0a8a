//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, StatusCode, response};

use crate::refresh_session::{Command, RefreshSession};

/// The refresh token says who it is.
pub const ACCESS: Access = Access::Anyone;

/// `POST /sessions/refresh`.
pub async fn handle(refresh: Arc<RefreshSession>, request: Request) -> Response {
    let mut fields = request.fields()?;
    let token = fields.text("refreshToken");
    let token = fields.finish(token)?;
    let command = Command {
        token: token.parse().map_err(shared::domain::Error::Refused)?,
        issuer: request.issuer.clone(),
        origin: request.origin(),
    };
    let token_pair = refresh.execute(command).await?;
    response::token_pair(StatusCode::OK, &token_pair)
}
