//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Refusal, Result},
    lambda::http::{Access, Call, Reply, reply},
};

use crate::end_session::{Command, EndSession, Which};

/// The user, and administrators.
pub const ACCESS: Access = Access::OwnerOrAdmin;

/// `DELETE /users/{id}/sessions[/{sid}]` and `DELETE /sessions/current`.
pub async fn handle(end: Arc<EndSession>, call: Call) -> Reply {
    let command = Command {
        target: call.target()?,
        which: which(&call)?,
    };
    end.execute(command).await?;
    reply::no_content()
}

fn which(call: &Call) -> Result<Which> {
    Ok(match call.parameter("sid") {
        Some(id) => Which::One(id.parse().map_err(|_| Refusal::NotFound)?),
        None if call.path == "/sessions/current" => Which::Current(call.signed_in()?.session_id),
        None => Which::All,
    })
}
