//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Name,
    lambda::http::{Access, Request, Response, response},
};

use crate::update_user::{Command, UpdateUser};

/// The user, and administrators.
pub const ACCESS: Access = Access::OwnerOrAdmin;

/// RFC 7396, and what clients send who never heard of it. Read alike.
const MEDIA_TYPES: &[&str] = &["application/merge-patch+json", "application/json"];

/// `PATCH /users/{id}`.
pub async fn handle(update: Arc<UpdateUser>, request: Request) -> Response {
    let target = request.target()?;
    let mut fields = request.fields_as(MEDIA_TYPES)?;
    let name = fields.parse_optional::<Name>("name");
    let name = fields.finish(name)?;
    let user = update.execute(Command { target, name }).await?;
    response::user(&user)
}
