//! HTTP to the use case and back.

use std::sync::Arc;

use serde::Serialize;
use shared::lambda::http::{Access, Request, Response, StatusCode, response};

use crate::redeliver_events::{RedeliverEvents, Redelivered};

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

/// `POST /services/{name}/deliveries/redeliver`.
pub async fn handle(redeliver: Arc<RedeliverEvents>, request: Request) -> Response {
    let Redelivered { sent, more } = redeliver.execute(&request.named("name")?).await?;
    response::json(StatusCode::ACCEPTED, &Body { sent, more })
}

#[derive(Serialize)]
struct Body {
    sent: usize,
    more: bool,
}
