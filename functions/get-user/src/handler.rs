//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Call, Reply, reply};

use crate::get_user::{GetUser, Query};

/// The user, and administrators.
pub const ACCESS: Access = Access::OwnerOrAdmin;

/// `GET /users/{id}`.
pub async fn handle(get: Arc<GetUser>, call: Call) -> Reply {
    let id = call.user_id()?;
    let user = get.execute(&Query { id }).await?;
    reply::user(&user)
}
