//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Call, Reply, reply};

use crate::reactivate_user::{Command, ReactivateUser};

/// Administrators.
pub const ACCESS: Access = Access::Admin;

/// `POST /users/{id}/reactivate`.
pub async fn handle(reactivate: Arc<ReactivateUser>, call: Call) -> Reply {
    let target = call.target()?;
    let user = reactivate.execute(Command { target }).await?;
    reply::user(&user)
}
