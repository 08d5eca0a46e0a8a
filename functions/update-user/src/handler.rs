//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Name,
    lambda::{
        body,
        http::{Access, Request, Response, body::JsonObject, response},
    },
};

use crate::update_user::{Command, UpdateUser};

/// The user, and administrators.
pub const ACCESS: Access = Access::OWNER_OR_ADMIN.recent_by_role();

body! {
    struct Patch {
        name: Option<Name> = optional("name", JsonObject::text),
    }
}

/// `PATCH /users/{id}`.
pub async fn handle(update: Arc<UpdateUser>, request: Request) -> Response {
    let target = request.target()?;
    let Patch { name } = request.merge_patch()?;
    let user = update.execute(Command { target, name }).await?;
    response::user(&user)
}
