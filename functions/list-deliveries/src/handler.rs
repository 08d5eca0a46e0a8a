//! HTTP to the query and back.

use std::sync::Arc;

use serde::Serialize;
use shared::{
    domain::{
        EventId, EventKind, InstanceId, Timestamp,
        service::{Attempt, DeliveryRecord, DeliveryState},
    },
    lambda::http::{Access, Parameters, Request, Response, response},
};

use crate::list_deliveries::{ListDeliveries, Query};

/// Administrators.
pub const ACCESS: Access = Access::ADMIN;

/// Deliveries on a page, unless the query says otherwise.
const DEFAULT_LIMIT: usize = 50;

/// Deliveries on a page at most.
const MAX_LIMIT: u32 = 100;

/// `GET /services/{name}/deliveries`.
pub async fn handle(list: Arc<ListDeliveries>, request: Request) -> Response {
    let service = request.named("name")?;
    let mut parameters = Parameters::new(request.query());
    let limit = parameters.number("limit", MAX_LIMIT);
    let state = parameters.parse::<DeliveryState>("state");
    let before = parameters.parse::<EventId>("cursor");
    parameters.finish()?;
    let limit = limit.map_or(DEFAULT_LIMIT, |limit| limit as usize);
    let query = Query {
        service,
        state,
        before,
        limit,
    };
    let page = list.execute(&query).await?;
    let link = |event: EventId| {
        let other = Some(limit).filter(|limit| *limit != DEFAULT_LIMIT);
        let query = [
            ("limit", other.map(|limit| limit.to_string())),
            ("state", state.map(|state| state.as_str().to_owned())),
            ("cursor", Some(event.to_string())),
        ];
        response::link(&request.path, query)
    };
    let body = Body {
        data: page.records.iter().map(Entry::from).collect(),
        pagination: Pagination {
            limit,
            next: page.next.map(link),
        },
    };
    response::page(&body, body.pagination.next.as_deref(), None)
}

#[derive(Serialize)]
struct Body<'a> {
    data: Vec<Entry<'a>>,
    pagination: Pagination,
}

#[derive(Serialize)]
struct Pagination {
    limit: usize,
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    event_id: EventId,
    #[serde(rename = "type")]
    kind: EventKind,
    state: DeliveryState,
    attempts: Vec<AttemptBody<'a>>,
}

#[derive(Serialize)]
struct AttemptBody<'a> {
    at: Timestamp,
    instance: &'a InstanceId,
    status: Option<u16>,
    failure: Option<&'static str>,
    millis: u64,
}

impl<'a> From<&'a DeliveryRecord> for Entry<'a> {
    fn from(record: &'a DeliveryRecord) -> Self {
        Self {
            event_id: record.event_id,
            kind: record.kind,
            state: record.state,
            attempts: record.attempts.iter().map(AttemptBody::from).collect(),
        }
    }
}

impl<'a> From<&'a Attempt> for AttemptBody<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self {
            at: attempt.at,
            instance: &attempt.instance,
            status: attempt.outcome.status(),
            failure: attempt.outcome.failure(),
            millis: attempt.millis,
        }
    }
}
