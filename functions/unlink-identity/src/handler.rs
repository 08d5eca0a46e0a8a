//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Refusal,
    lambda::http::{Access, Request, Response, response},
};

use crate::unlink_identity::{Command, UnlinkIdentity};

/// The user alone.
pub const ACCESS: Access = Access::OWNER.recent();

/// `DELETE /users/{id}/identities/{identity}`.
pub async fn handle(unlink: Arc<UnlinkIdentity>, request: Request) -> Response {
    let identity = request.parameter("identity").ok_or(Refusal::NotFound)?;
    let command = Command {
        target: request.target()?,
        session_id: request.signed_in()?.session_id,
        identity: identity.to_owned(),
    };
    unlink.execute(command).await?;
    response::no_content()
}
