//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::Email,
    lambda::http::{Access, Call, Reply, reply},
};

use crate::request_password_reset::{Command, RequestPasswordReset};

/// Anyone, for any address.
pub const ACCESS: Access = Access::Anyone;

/// `POST /password-resets`.
pub async fn handle(request: Arc<RequestPasswordReset>, call: Call) -> Reply {
    let mut fields = call.fields()?;
    let email = fields.parse::<Email>("email");
    let email = fields.finish(email)?;
    let origin = call.origin();
    request.execute(Command { email, origin }).await?;
    reply::accepted()
}
