//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{
    Access, Request, Response, StatusCode, body::PresentedCredentials, response,
};

use crate::authenticate::{Authenticate, Command};

/// Before the sign-in there is no token.
pub const ACCESS: Access = Access::ANYONE;

/// `POST /sessions`.
pub async fn handle(authenticate: Arc<Authenticate>, request: Request) -> Response {
    let PresentedCredentials {
        credentials,
        device,
    } = request.body()?;
    let command = Command {
        credentials,
        device,
        issuer: request.issuer.clone(),
        origin: request.origin(),
    };
    let token_pair = authenticate.execute(command).await?;
    response::token_pair(StatusCode::CREATED, &token_pair)
}
