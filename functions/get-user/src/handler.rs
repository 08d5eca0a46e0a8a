//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Authority,
    lambda::http::{Access, Request, Response, response},
};

use crate::get_user::{GetUser, Query};

/// The user, and administrators.
pub const ACCESS: Access = Access::OWNER_OR_READER;

/// `GET /users/{id}`.
pub async fn handle(get: Arc<GetUser>, request: Request) -> Response {
    let id = request.user_id()?;
    let with_mail = request.authority() >= Authority::Reader;
    let (user, suppression) = get.execute(&Query { id, with_mail }).await?;
    response::user_with_mail(&user, suppression)
}
