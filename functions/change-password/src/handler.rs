//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Authority, Password, Refusal},
    lambda::{
        body,
        http::{Access, Request, Response, response},
    },
};

use crate::change_password::{ChangePassword, Command, Proof};

/// The user, and administrators.
pub const ACCESS: Access = Access::OWNER_OR_ADMIN.recent_by_role();

body! {
    struct OwnBody {
        current: Password = text("currentPassword"),
        new: Password = text("newPassword"),
    }
}

body! {
    struct AdminBody {
        new: Password = text("newPassword"),
    }
}

/// `PUT /users/{id}/password`.
pub async fn handle(change: Arc<ChangePassword>, request: Request) -> Response {
    let target = request.target()?;
    let caller = request.signed_in()?;
    let (proof, new) = if caller.user_id == target.id {
        let OwnBody { current, new } = request.body()?;
        let session_id = caller.session_id;
        (
            Proof::Owner {
                current,
                session_id,
            },
            new,
        )
    } else if caller.authority == Authority::Admin {
        let AdminBody { new } = request.body()?;
        (Proof::Administrator, new)
    } else {
        return Err(Refusal::Forbidden.into());
    };
    let command = Command { target, proof, new };
    change.execute(command).await?;
    response::no_content()
}
