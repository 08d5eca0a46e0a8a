//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Call, Reply, reply};

use crate::delete_user::{Command, DeleteUser};

/// The user, and administrators.
pub const ACCESS: Access = Access::OwnerOrAdmin;

/// `DELETE /users/{id}`.
pub async fn handle(delete: Arc<DeleteUser>, call: Call) -> Reply {
    let target = call.target()?;
    delete.execute(Command { target }).await?;
    reply::no_content()
}
