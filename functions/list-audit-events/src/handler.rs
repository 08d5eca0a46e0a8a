//! HTTP to the query and back.

use std::{net::IpAddr, sync::Arc};

use serde::Serialize;
use shared::{
    domain::{
        Actor, ApiKeyId, EventId, EventKind, ServiceName, Timestamp, UserId, Version,
        event::RolesChange,
        history::{ChainVerdict, Digest},
        sign_ins::SignInVerdict,
    },
    lambda::http::{Access, Request, Response, response},
};

use crate::{
    list_audit_events::{Line, ListAuditEvents},
    query,
};

/// Only administrators: the trail says who did what to whom, and from where.
pub const ACCESS: Access = Access::READER;

/// `GET /audit-events`.
pub async fn handle(list: Arc<ListAuditEvents>, request: Request) -> Response {
    let query = query::parse(request.query(), list.clock.now())?;
    let page = list.execute(&query).await?;
    let next = page
        .next
        .map(|place| query::link(&request.path, &query, place));
    let body = Body {
        data: page.lines.into_iter().map(Entry::from).collect(),
        chain: page.chain,
        sign_ins: page.sign_ins,
        pagination: Pagination {
            limit: query.limit,
            next,
        },
    };
    response::page(&body, body.pagination.next.as_deref(), None)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    data: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<ChainVerdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_ins: Option<SignInVerdict>,
    pagination: Pagination,
}

#[derive(Serialize)]
struct Pagination {
    limit: usize,
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    event_id: EventId,
    #[serde(rename = "type")]
    kind: EventKind,
    time: Timestamp,
    user_id: Option<UserId>,
    version: Option<Version>,
    roles: Option<RolesChange>,
    api_key_id: Option<ApiKeyId>,
    service: Option<ServiceName>,
    actor: Actor,
    source_address: Option<IpAddr>,
    request_id: Option<String>,
    hash: Option<Digest>,
}

impl From<Line> for Entry {
    fn from(Line { entry, trace }: Line) -> Self {
        Self {
            event_id: entry.event_id,
            kind: entry.kind,
            time: entry.time,
            user_id: entry.user_id,
            version: entry.version,
            roles: entry.roles,
            api_key_id: entry.api_key_id,
            service: entry.service,
            actor: entry.actor,
            source_address: trace.source_address,
            request_id: trace.request_id,
            hash: entry.hash,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
