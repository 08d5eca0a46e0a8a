//! The query parameters of `GET /users`, and the links that repeat them.

use shared::{
    directory::{
        UserQuery,
        query::{
            Cursor, DEFAULT_LIMIT, MAX_LIMIT, MAX_SEARCH_CHARS, MAX_SEARCH_WORDS, Position, Sort,
        },
    },
    domain::{Result, error::Violation},
    lambda::http::{Parameters, response},
};

/// Reads the query parameters, decoded.
///
/// | parameter | value | without it |
/// |---|---|---|
/// | page | 1 to 4294967295 | the first page, links by cursor |
/// | limit | 1 to 100 | 10 |
/// | search | up to 256 characters and 16 words | all users |
/// | filter | SCIM filter, up to 1024 characters | all users |
/// | sort | createdAt, updatedAt, name, email, or with - | that of the cursor, or -createdAt |
/// | cursor | from a link | the first page |
///
/// # Errors
/// Every wrong, unknown and repeated parameter; `page` with `cursor`; a `sort` that is not the
/// cursor's.
pub(crate) fn parse<'a>(given: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<UserQuery> {
    let mut parameters = Parameters::new(given);
    let page = parameters.number("page", u32::MAX);
    let limit = parameters.number("limit", MAX_LIMIT);
    let search = parameters.take("search", search);
    let filter = parameters.parse("filter");
    let sort = parameters.parse::<Sort>("sort");
    let cursor = parameters.parse::<Cursor>("cursor");
    if let (Some(sort), Some(cursor)) = (sort, &cursor)
        && sort != cursor.sort
    {
        let message = "is not the order of the cursor; leave one of them out";
        parameters.refuse("sort", Violation::new("conflict", message));
    }
    if page.is_some() && cursor.is_some() {
        let message = "does not go with cursor";
        parameters.refuse("page", Violation::new("conflict", message));
    }
    parameters.finish()?;
    let sort = sort.or(cursor.as_ref().map(|cursor| cursor.sort));
    Ok(UserQuery {
        position: match (page, cursor) {
            (Some(page), _) => Position::Page(page),
            (None, Some(cursor)) => Position::Cursor(cursor),
            (None, None) => Position::Start,
        },
        limit: limit.unwrap_or(DEFAULT_LIMIT),
        search,
        filter,
        sort: sort.unwrap_or_default(),
    })
}

fn search(value: &str) -> Result<String, Violation> {
    if value.chars().count() > MAX_SEARCH_CHARS {
        let message = format!("has more than {MAX_SEARCH_CHARS} characters");
        return Err(Violation::new("too-long", message));
    }
    if value.split_whitespace().count() > MAX_SEARCH_WORDS {
        let message = format!("has more than {MAX_SEARCH_WORDS} words");
        return Err(Violation::new("too-many", message));
    }
    Ok(value.to_owned())
}

/// Path and query which ask the same at another position. Defaults are left out, and the sort too if
/// a cursor has it. `filter` is the filter as it was given: written anew, it could be longer than a
/// filter may be.
pub(crate) fn link(
    path: &str,
    filter: Option<&str>,
    query: &UserQuery,
    position: &Position,
) -> String {
    let (page, cursor) = match position {
        Position::Start => (None, None),
        Position::Page(page) => (Some(page), None),
        Position::Cursor(cursor) => (None, Some(cursor)),
    };
    let limit = Some(query.limit).filter(|limit| *limit != DEFAULT_LIMIT);
    let sort = Some(query.sort).filter(|sort| cursor.is_none() && *sort != Sort::default());
    response::link(
        path,
        [
            ("page", page.map(u32::to_string)),
            ("limit", limit.map(|limit| limit.to_string())),
            ("search", query.search.clone()),
            ("filter", filter.map(str::to_owned)),
            ("cursor", cursor.map(Cursor::to_string)),
            ("sort", sort.map(|sort| sort.to_string())),
        ],
    )
}

#[cfg(test)]
pub(crate) mod tests;
