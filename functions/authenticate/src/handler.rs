//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{
    Access, Error, Request, Response, StatusCode,
    body::{JsonObject, PresentedCredentials, RequestBody as _},
    problem, response,
};

use crate::authenticate::{Authenticate, Command};

/// Before the sign-in there is no token.
pub const ACCESS: Access = Access::ANYONE;

/// `POST /sessions`.
pub async fn handle(authenticate: Arc<Authenticate>, request: Request) -> Response {
    let (audience, presented) = request.body_with(|object| {
        let audience = object.optional("audience", JsonObject::text);
        let presented = PresentedCredentials::read(object);
        audience.zip(presented)
    })?;
    let PresentedCredentials {
        credentials,
        device,
    } = presented;
    let command = Command {
        credentials,
        device,
        issuer: request.issuer.clone(),
        audience,
        origin: request.origin(),
    };
    let outcome = authenticate.execute(command).await.map_err(Error::from);
    tracing::info!(metric = "SignIns", outcome = problem::outcome(&outcome));
    response::token_pair(StatusCode::CREATED, &outcome?)
}
