//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Call, Reply, reply};

use crate::verify_email::{Command, VerifyEmail};

/// Whoever has the token.
pub const ACCESS: Access = Access::Anyone;

/// `PUT /email-verifications`.
pub async fn handle(verify: Arc<VerifyEmail>, call: Call) -> Reply {
    let mut fields = call.fields()?;
    let token = fields.text("token");
    let token = fields.finish(token)?;
    let command = Command {
        token: token.parse()?,
        origin: call.origin(),
    };
    verify.execute(command).await?;
    reply::no_content()
}
