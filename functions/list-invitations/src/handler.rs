//! HTTP to the query and back.

use std::sync::Arc;

use serde::Serialize;
use shared::{
    domain::{Email, Name, Timestamp, UserId},
    lambda::http::{Access, Parameters, Request, Response, response},
};

use crate::list_invitations::{ListInvitations, OpenInvitation};

/// Administrators.
pub const ACCESS: Access = Access::ADMIN;

/// Invitations on a page, unless the query says otherwise.
const DEFAULT_LIMIT: usize = 50;

/// Invitations on a page at most.
const MAX_LIMIT: u32 = 100;

/// `GET /invitations`.
pub async fn handle(list: Arc<ListInvitations>, request: Request) -> Response {
    let mut parameters = Parameters::new(request.query());
    let limit = parameters.number("limit", MAX_LIMIT);
    let after = parameters.parse::<UserId>("cursor");
    parameters.finish()?;
    let limit = limit.map_or(DEFAULT_LIMIT, |limit| limit as usize);
    let (open, next) = list.execute(after, limit).await?;
    let link = |user: UserId| {
        let other = Some(limit).filter(|limit| *limit != DEFAULT_LIMIT);
        let query = [
            ("limit", other.map(|limit| limit.to_string())),
            ("cursor", Some(user.to_string())),
        ];
        response::link(&request.path, query)
    };
    let body = Body {
        data: open.into_iter().map(Entry::from).collect(),
        pagination: Pagination {
            limit,
            next: next.map(link),
        },
    };
    response::page(&body, body.pagination.next.as_deref(), None)
}

#[derive(Serialize)]
struct Body {
    data: Vec<Entry>,
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
    id: UserId,
    email: Email,
    name: Name,
    sent_at: Timestamp,
    expires_at: Timestamp,
}

impl From<OpenInvitation> for Entry {
    fn from(OpenInvitation { user, invitation }: OpenInvitation) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            sent_at: invitation.sent_at,
            expires_at: invitation.expires_at,
        }
    }
}
