//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Role, role::MAX_ROLES},
    lambda::http::{Access, Request, Response, response},
};

use crate::assign_roles::{AssignRoles, Command};

/// Administrators.
pub const ACCESS: Access = Access::Admin;

/// `PUT /users/{id}/roles`.
pub async fn handle(assign: Arc<AssignRoles>, request: Request) -> Response {
    let target = request.target()?;
    let mut fields = request.fields()?;
    let roles = fields.parse_set::<Role>("roles", MAX_ROLES);
    let roles = fields.finish(roles)?;
    let user = assign.execute(Command { target, roles }).await?;
    response::user(&user)
}
