//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Refusal,
    lambda::http::{Access, Call, Reply, reply},
};

use crate::unlink_identity::{Command, UnlinkIdentity};

/// The user alone.
pub const ACCESS: Access = Access::Owner;

/// `DELETE /users/{id}/identities/{identity}`.
pub async fn handle(unlink: Arc<UnlinkIdentity>, call: Call) -> Reply {
    let identity = call.parameter("identity").ok_or(Refusal::NotFound)?;
    let command = Command {
        target: call.target()?,
        session_id: call.signed_in()?.session_id,
        identity: identity.to_owned(),
    };
    unlink.execute(command).await?;
    reply::no_content()
}
