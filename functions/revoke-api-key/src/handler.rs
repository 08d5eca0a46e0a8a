//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Refusal,
    lambda::http::{Access, Request, Response, response},
};

use crate::revoke_api_key::{Command, RevokeApiKey};

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

/// `DELETE /api-keys/{key}`.
pub async fn handle(revoke: Arc<RevokeApiKey>, request: Request) -> Response {
    let id = request.parameter("key").and_then(|id| id.parse().ok());
    let command = Command {
        id: id.ok_or(Refusal::NotFound)?,
        origin: request.origin(),
    };
    revoke.execute(command).await?;
    response::no_content()
}
