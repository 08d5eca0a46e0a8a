//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Refusal, Result},
    lambda::http::{Access, Request, Response, response},
};

use crate::end_session::{Command, EndSession, Which};

/// The user, and support: a stolen token must not shut the owner out of the other devices.
pub const ACCESS: Access = Access::OWNER_OR_SUPPORT.recent_unless_current();

/// `DELETE /users/{id}/sessions/{sid}` and `DELETE /sessions/current`.
pub async fn handle(end: Arc<EndSession>, request: Request) -> Response {
    let command = Command {
        target: request.target()?,
        which: which(&request)?,
    };
    end.execute(command).await?;
    response::no_content()
}

fn which(request: &Request) -> Result<Which> {
    Ok(match request.parameter("sid") {
        Some(id) => Which::One(id.parse().map_err(|_| Refusal::NotFound)?),
        None => Which::Current(request.signed_in()?.session_id),
    })
}
