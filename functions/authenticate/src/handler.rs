//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, StatusCode, response};

use crate::authenticate::{Authenticate, Command};

/// Principal signs in has no token yet.
pub const ACCESS: Access = Access::Anyone;

/// `POST /sessions`.
pub async fn handle(authenticate: Arc<Authenticate>, request: Request) -> Response {
    let mut presented = request.fields()?;
    let strategy = presented.parse_optional_with("strategy", |name| authenticate.strategy(name));
    let Some(strategy) = strategy else {
        // Which other fields there must be, only the strategy knows.
        return Err(presented.reject());
    };
    let command = Command {
        strategy,
        presented,
        issuer: request.issuer.clone(),
        origin: request.origin(),
    };
    let token_pair = authenticate.execute(command).await?;
    response::token_pair(StatusCode::CREATED, &token_pair)
}
