//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, response};

use crate::end_sessions::EndSessions;

/// The user, and administrators. A recent sign-in: a thief must not shut the owner out.
pub const ACCESS: Access = Access::OWNER_OR_SUPPORT.recent();

/// `DELETE /users/{id}/sessions`.
pub async fn handle(end: Arc<EndSessions>, request: Request) -> Response {
    end.execute(&request.target()?).await?;
    response::no_content()
}
