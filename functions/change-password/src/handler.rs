//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Password, Refusal},
    lambda::http::{Access, Fields, Request, Response, response},
};

use crate::change_password::{ChangePassword, Command, Proof};

/// The user, and administrators.
pub const ACCESS: Access = Access::OwnerOrAdmin;

/// `PUT /users/{id}/password`.
pub async fn handle(change: Arc<ChangePassword>, request: Request) -> Response {
    let target = request.target()?;
    let caller = request.signed_in()?;
    let mut fields = request.fields()?;
    let proof = if caller.user_id == target.id {
        password(&mut fields, "currentPassword").map(|current| Proof::Owner {
            current,
            session_id: caller.session_id,
        })
    } else if caller.is_admin {
        Some(Proof::Administrator)
    } else {
        return Err(Refusal::Forbidden.into());
    };
    let new = password(&mut fields, "newPassword");
    let (proof, new) = fields.finish(proof.zip(new))?;
    let command = Command { target, proof, new };
    change.execute(command).await?;
    response::no_content()
}

fn password(fields: &mut Fields, name: &str) -> Option<Password> {
    fields.text(name).map(|raw| Password::presented(&raw))
}
