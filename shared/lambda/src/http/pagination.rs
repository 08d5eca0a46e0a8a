//! Pages of users in HTTP: the query parameters, and the body with its links.
//!
//! Links speak as the caller does. Whoever asks for a `page` gets links to pages by number;
//! whoever does not gets links by cursor, so a client that just follows `next` walks safely while
//! users come and go. A page by cursor has no number: its `page` is null.

use std::str::FromStr as _;

use directory::{
    Cursor, Specification,
    listing::{DEFAULT_LIMIT, Listed, Listing, MAX_LIMIT, MAX_SEARCH_CHARS, Position, Sort},
};
use domain::{Error, FieldError, Result, error::Violation, user::Profile};
use serde::Serialize;
use url::form_urlencoded;

/// A page asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The question.
    pub listing: Listing,
    /// The filter as it was given: links repeat it, since its own text may be longer than a filter may
    /// be.
    filter: Option<String>,
}

/// Reads the query parameters of `GET /users`, decoded.
///
/// | parameter | value | without it |
/// |---|---|---|
/// | page | 1 to 4294967295 | the first page, links by cursor |
/// | limit | 1 to 100 | 10 |
/// | search | up to 256 characters | everybody |
/// | filter | SCIM filter, up to 1024 characters | everybody |
/// | sort | createdAt, updatedAt, name, email, or with - | that of the cursor, or -createdAt |
/// | cursor | from a link | the first page |
///
/// # Errors
/// Every wrong, unknown and repeated parameter; `page` with `cursor`; a `sort` that is not the
/// cursor's.
pub fn parse<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Asked> {
    let mut given = Given::default();
    for (name, value) in parameters {
        given.take(name, value);
    }
    let Given {
        page,
        limit,
        search,
        filter,
        sort,
        cursor,
        mut errors,
        ..
    } = given;
    let mut refuse = |name: &str, violation: Violation| errors.push(violation.at(name));
    let sort = match (sort, &cursor) {
        (Some(sort), Some(cursor)) if sort != cursor.sort => {
            let message = "is not the order of the cursor; leave one of them out";
            refuse("sort", Violation::new("conflict", message));
            sort
        }
        (Some(sort), _) => sort,
        (None, Some(cursor)) => cursor.sort,
        (None, None) => Sort::default(),
    };
    let position = match (page, cursor) {
        (Some(_), Some(_)) => {
            refuse(
                "page",
                Violation::new("conflict", "does not go with cursor"),
            );
            Position::Start
        }
        (Some(page), None) => Position::Page(page),
        (None, Some(cursor)) => Position::Cursor(cursor),
        (None, None) => Position::Start,
    };
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let (filter, raw_filter) = filter.unzip();
    Ok(Asked {
        listing: Listing {
            position,
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            search,
            filter,
            sort,
        },
        filter: raw_filter,
    })
}

/// What was given, and what is wrong with it.
#[derive(Debug, Default)]
struct Given {
    names: Vec<String>,
    page: Option<u32>,
    limit: Option<u32>,
    search: Option<String>,
    filter: Option<(Specification, String)>,
    sort: Option<Sort>,
    cursor: Option<Cursor>,
    errors: Vec<FieldError>,
}

impl Given {
    fn take(&mut self, name: &str, value: &str) {
        let wrong = if self.names.iter().any(|known| known == name) {
            Some(Violation::new("repeated", "is given more than once"))
        } else {
            match name {
                "page" => store(&mut self.page, number(value, u32::MAX)),
                "limit" => store(&mut self.limit, number(value, MAX_LIMIT)),
                "search" => store(&mut self.search, search(value)),
                "filter" => store(&mut self.filter, filter(value)),
                "sort" => store(&mut self.sort, Sort::from_str(value)),
                "cursor" => store(&mut self.cursor, Cursor::from_str(value)),
                _ => Some(Violation::new(
                    "unknown-parameter",
                    "is not a parameter of this request",
                )),
            }
        };
        self.names.push(name.to_owned());
        self.errors
            .extend(wrong.map(|violation| violation.at(name)));
    }
}

fn store<T>(place: &mut Option<T>, value: Result<T, Violation>) -> Option<Violation> {
    value.map(|value| *place = Some(value)).err()
}

/// Digits only: `u32`'s own parser takes a plus sign.
pub(super) fn number(value: &str, max: u32) -> Result<u32, Violation> {
    Some(value)
        .filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|value| value.parse().ok())
        .filter(|number| (1..=max).contains(number))
        .ok_or_else(|| {
            Violation::new(
                "out-of-range",
                format!("is not a whole number from 1 to {max}"),
            )
        })
}

fn search(value: &str) -> Result<String, Violation> {
    if value.chars().count() > MAX_SEARCH_CHARS {
        let message = format!("has more than {MAX_SEARCH_CHARS} characters");
        return Err(Violation::new("too-long", message));
    }
    Ok(value.to_owned())
}

fn filter(value: &str) -> Result<(Specification, String), Violation> {
    value.parse().map(|filter| (filter, value.to_owned()))
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Body {
    /// The users of the page.
    pub data: Vec<Profile>,
    /// Where the page stands.
    pub pagination: Pagination,
}

/// Where a page stands among the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pagination {
    /// Its number, from 1; null for a page by cursor.
    pub page: Option<u32>,
    /// Users on a page at most.
    pub limit: u32,
    /// Users on all pages, exactly.
    pub total: u64,
    /// How many pages of `limit` users they make.
    pub pages: u64,
    /// Path and query of the page after; null if there is none.
    pub next: Option<String>,
    /// Path and query of the page before; null if there is none.
    pub previous: Option<String>,
}

impl Body {
    /// The answer to what was `asked` for at `path`.
    pub fn new(path: &str, asked: &Asked, listed: Listed) -> Self {
        let listing = &asked.listing;
        let pages = listed.total.div_ceil(u64::from(listing.limit.max(1)));
        let link = |position| format!("{path}?{}", asked.query(&position));
        let (page, next, previous) = match listing.position {
            Position::Page(page) => {
                let next = page.checked_add(1).filter(|next| u64::from(*next) <= pages);
                // Before a page that is beyond the end comes the last there is.
                let last = u32::try_from(pages).unwrap_or(u32::MAX);
                let previous = Some((page - 1).min(last)).filter(|previous| *previous > 0);
                (
                    Some(page),
                    next.map(Position::Page),
                    previous.map(Position::Page),
                )
            }
            Position::Start => (Some(1), listed.next.map(Position::Cursor), None),
            Position::Cursor(_) => (
                None,
                listed.next.map(Position::Cursor),
                listed.previous.map(Position::Cursor),
            ),
        };
        Self {
            data: listed.users,
            pagination: Pagination {
                page,
                limit: listing.limit,
                total: listed.total,
                pages,
                next: next.map(link),
                previous: previous.map(link),
            },
        }
    }

    /// The value of the `Link` header (RFC 8288) that says the same; none without links.
    pub fn link_header(&self) -> Option<String> {
        let links = [
            ("next", &self.pagination.next),
            ("prev", &self.pagination.previous),
        ];
        let links = links
            .iter()
            .filter_map(|(relation, link)| {
                let link = link.as_ref()?;
                Some(format!("<{link}>; rel=\"{relation}\""))
            })
            .collect::<Vec<_>>();
        (!links.is_empty()).then(|| links.join(", "))
    }
}

impl Asked {
    /// The query that asks the same at another position. What a cursor or a default says is left out.
    fn query(&self, position: &Position) -> String {
        let listing = &self.listing;
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Position::Page(page) = position {
            query.append_pair("page", &page.to_string());
        }
        if listing.limit != DEFAULT_LIMIT {
            query.append_pair("limit", &listing.limit.to_string());
        }
        if let Some(search) = &listing.search {
            query.append_pair("search", search);
        }
        if let Some(filter) = &self.filter {
            query.append_pair("filter", filter);
        }
        if let Position::Cursor(cursor) = position {
            query.append_pair("cursor", &cursor.to_string());
        } else if listing.sort != Sort::default() {
            query.append_pair("sort", &listing.sort.to_string());
        }
        query.finish()
    }
}

#[cfg(test)]
mod tests;
