//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Call, Reply, StatusCode, reply};

use crate::refresh_session::{Command, RefreshSession};

/// The refresh token says who it is.
pub const ACCESS: Access = Access::Anyone;

/// `POST /sessions/refresh`.
pub async fn handle(refresh: Arc<RefreshSession>, call: Call) -> Reply {
    let mut fields = call.fields()?;
    let token = fields.text("refreshToken");
    let token = fields.finish(token)?;
    let command = Command {
        token: token.parse().map_err(shared::domain::Error::Refused)?,
        issuer: call.issuer.clone(),
        origin: call.origin(),
    };
    let granted = refresh.execute(command).await?;
    reply::granted(StatusCode::OK, &granted)
}
