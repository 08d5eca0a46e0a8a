//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Call, Reply, reply};

use crate::deactivate_user::{Command, DeactivateUser};

/// Administrators.
pub const ACCESS: Access = Access::Admin;

/// `POST /users/{id}/deactivate`.
pub async fn handle(deactivate: Arc<DeactivateUser>, call: Call) -> Reply {
    let target = call.target()?;
    let user = deactivate.execute(Command { target }).await?;
    reply::user(&user)
}
