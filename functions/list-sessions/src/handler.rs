//! HTTP to the use case and back.

use std::{net::IpAddr, sync::Arc};

use serde::Serialize;
use shared::{
    domain::{Session, SessionId, Timestamp},
    lambda::http::{Access, Request, Response, StatusCode, response},
};

use crate::list_sessions::{ListSessions, Query};

/// The user, and administrators.
pub const ACCESS: Access = Access::OWNER_OR_SUPPORT;

/// `GET /users/{id}/sessions`.
pub async fn handle(list: Arc<ListSessions>, request: Request) -> Response {
    let sessions = list
        .execute(&Query {
            user_id: request.user_id()?,
        })
        .await?;
    let current = request.caller.map(|caller| caller.session_id);
    let data = sessions.iter().map(|session| Shown::new(session, current));
    let data = data.collect();
    response::json(StatusCode::OK, &Body { data })
}

#[derive(Serialize)]
struct Body<'a> {
    data: Vec<Shown<'a>>,
}

/// A session as its user sees it: enough to tell one's own devices from others.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: SessionId,
    current: bool,
    created_at: Timestamp,
    last_used_at: Timestamp,
    expires_at: Timestamp,
    methods: &'a [String],
    source_address: Option<IpAddr>,
    user_agent: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn new(session: &'a Session, current: Option<SessionId>) -> Self {
        Self {
            id: session.id,
            current: Some(session.id) == current,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            methods: &session.methods,
            source_address: session.source_address,
            user_agent: session.user_agent.as_deref(),
        }
    }
}
