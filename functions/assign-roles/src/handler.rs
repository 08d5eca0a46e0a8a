//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Roles, role::MAX_ROLES},
    lambda::{
        body,
        http::{Access, Request, Response, response},
    },
};

use crate::assign_roles::{AssignRoles, Command};

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

body! {
    struct Body {
        roles: Roles = set("roles", MAX_ROLES),
    }
}

/// `PUT /users/{id}/roles`.
pub async fn handle(assign: Arc<AssignRoles>, request: Request) -> Response {
    let target = request.target()?;
    let Body { roles } = request.body()?;
    let user = assign.execute(Command { target, roles }).await?;
    response::user(&user)
}
