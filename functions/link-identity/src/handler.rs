//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Call, Reply, StatusCode, reply};

use crate::link_identity::{Command, LinkIdentity};

/// The user alone: an identity is a way in.
pub const ACCESS: Access = Access::Owner;

/// `POST /users/{id}/identities`.
pub async fn handle(link: Arc<LinkIdentity>, call: Call) -> Reply {
    let target = call.target()?;
    let mut fields = call.fields()?;
    let authorization = fields.authorization();
    let command = Command {
        target,
        session_id: call.signed_in()?.session_id,
        authorization: fields.finish(authorization)?,
    };
    let linked = link.execute(command).await?;
    reply::json(StatusCode::CREATED, &linked)
}
