//! HTTP to the directory and back.

use std::sync::Arc;

use serde::Serialize;
use shared::{
    directory::{UserPage, UserQuery, ports::UserDirectory, query::Position},
    domain::user::Profile,
    lambda::http::{Access, Request, Response, response},
};

use crate::query;

/// Only administrators: the list has the addresses and names of all users.
pub const ACCESS: Access = Access::READER;

/// What the function needs.
pub struct ListUsers {
    /// The read model.
    pub directory: Arc<dyn UserDirectory>,
}

/// `GET /users`.
pub async fn handle(list: Arc<ListUsers>, request: Request) -> Response {
    let query = query::parse(request.query())?;
    let page = list.directory.list(&query).await?;
    let filter = request.query().find(|(name, _)| *name == "filter");
    let filter = filter.map(|(_, filter)| filter);
    let link = |position| query::link(&request.path, filter, &query, &position);
    let body = Body::new(&query, page, link);
    let Pagination { next, previous, .. } = &body.pagination;
    response::page(&body, next.as_deref(), previous.as_deref())
}

#[derive(Debug, Serialize)]
struct Body {
    data: Vec<Profile>,
    pagination: Pagination,
}

#[derive(Debug, Serialize)]
struct Pagination {
    /// From 1; null for a page by cursor.
    page: Option<u32>,
    limit: u32,
    /// Users on all pages, exactly.
    total: u64,
    /// How many pages of `limit` users they make.
    pages: u64,
    next: Option<String>,
    previous: Option<String>,
}

impl Body {
    /// Links are of the kind the caller uses. To a request with `page` they are pages by number, to
    /// any other they are cursors; so a client that just follows `next` walks safely while users come
    /// and go.
    fn new(query: &UserQuery, page: UserPage, link: impl Fn(Position) -> String) -> Self {
        let pages = page.total.div_ceil(u64::from(query.limit.max(1)));
        let (number, next, previous) = match query.position {
            Position::Page(number) => {
                let next = number.checked_add(1);
                let next = next.filter(|next| u64::from(*next) <= pages);
                // Before a page beyond the end comes the last one that exists.
                let last = u32::try_from(pages).unwrap_or(u32::MAX);
                let previous = Some((number - 1).min(last)).filter(|previous| *previous > 0);
                let position = |number: Option<u32>| number.map(Position::Page);
                (Some(number), position(next), position(previous))
            }
            Position::Start => (Some(1), page.next.map(Position::Cursor), None),
            Position::Cursor(_) => (
                None,
                page.next.map(Position::Cursor),
                page.previous.map(Position::Cursor),
            ),
        };
        Self {
            data: page.users,
            pagination: Pagination {
                page: number,
                limit: query.limit,
                total: page.total,
                pages,
                next: next.map(&link),
                previous: previous.map(link),
            },
        }
    }
}

#[cfg(test)]
mod tests;
