//! HTTP to the query and back.

use std::sync::Arc;

use serde::Serialize;
use shared::{
    domain::identity::LinkedIdentity,
    lambda::http::{Access, Call, Reply, StatusCode, reply},
};

use crate::list_identities::{ListIdentities, Query};

/// The user alone.
pub const ACCESS: Access = Access::Owner;

/// `GET /users/{id}/identities`.
pub async fn handle(list: Arc<ListIdentities>, call: Call) -> Reply {
    let query = Query {
        user_id: call.user_id()?,
    };
    let data = list.execute(&query).await?;
    reply::json(StatusCode::OK, &Body { data })
}

#[derive(Serialize)]
struct Body {
    data: Vec<LinkedIdentity>,
}
