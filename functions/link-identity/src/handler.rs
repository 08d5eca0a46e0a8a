//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, StatusCode, response};

use crate::link_identity::{Command, LinkIdentity};

/// The user alone, with a recent sign-in: an identity is a way in.
pub const ACCESS: Access = Access::OWNER.recent();

/// `POST /users/{id}/identities`.
pub async fn handle(link: Arc<LinkIdentity>, request: Request) -> Response {
    let target = request.target()?;
    let command = Command {
        target,
        authorization: request.body()?,
    };
    let linked = link.execute(command).await?;
    response::json(StatusCode::CREATED, &linked)
}
