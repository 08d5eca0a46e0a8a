//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, StatusCode, response};

use crate::authenticate::{Authenticate, Command};

/// Before the sign-in there is no token.
pub const ACCESS: Access = Access::ANYONE;

/// `POST /sessions`.
pub async fn handle(authenticate: Arc<Authenticate>, request: Request) -> Response {
    let command = Command {
        credentials: request.body()?,
        issuer: request.issuer.clone(),
        origin: request.origin(),
    };
    let token_pair = authenticate.execute(command).await?;
    response::token_pair(StatusCode::CREATED, &token_pair)
}
