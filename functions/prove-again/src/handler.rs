//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, body::PresentedCredentials, response};

use crate::prove_again::{Command, ProveAgain};

/// Users who are signed in.
pub const ACCESS: Access = Access::CALLER;

/// `POST /sessions/current/proof`.
pub async fn handle(prove: Arc<ProveAgain>, request: Request) -> Response {
    let caller = request.signed_in()?;
    // The session says which device it is.
    let PresentedCredentials { credentials, .. } = request.body()?;
    let command = Command {
        user_id: caller.user_id,
        session_id: caller.session_id,
        credentials,
        issuer: request.issuer.clone(),
        origin: request.origin(),
    };
    let (access, device) = prove.execute(command).await?;
    response::proven(&access, &device)
}
