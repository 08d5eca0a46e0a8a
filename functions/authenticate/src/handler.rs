//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Call, Reply, StatusCode, reply};

use crate::authenticate::{Authenticate, Command};

/// Who signs in has no token yet.
pub const ACCESS: Access = Access::Anyone;

/// `POST /sessions`.
pub async fn handle(authenticate: Arc<Authenticate>, call: Call) -> Reply {
    let mut presented = call.fields()?;
    let strategy = presented.parse_optional_with("strategy", |name| authenticate.strategy(name));
    let Some(strategy) = strategy else {
        // Which other fields there must be, only the strategy knows.
        return Err(presented.reject());
    };
    let command = Command {
        strategy,
        presented,
        issuer: call.issuer.clone(),
        origin: call.origin(),
    };
    let granted = authenticate.execute(command).await?;
    reply::granted(StatusCode::CREATED, &granted)
}
