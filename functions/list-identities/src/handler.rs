//! HTTP to the query and back.

use std::sync::Arc;

use serde::Serialize;
use shared::{
    domain::identity::LinkedIdentity,
    lambda::http::{Access, Request, Response, StatusCode, response},
};

use crate::list_identities::{ListIdentities, Query};

/// The user alone.
pub const ACCESS: Access = Access::OWNER;

/// `GET /users/{id}/identities`.
pub async fn handle(list: Arc<ListIdentities>, request: Request) -> Response {
    let query = Query {
        user_id: request.user_id()?,
    };
    let data = list.execute(&query).await?;
    response::json(StatusCode::OK, &Body { data })
}

#[derive(Serialize)]
struct Body {
    data: Vec<LinkedIdentity>,
}
