//! The parameters of `GET /audit-events`, and the links that repeat them.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use shared::{
    domain::{EventId, EventKind, Result, Timestamp, audit::AuditQuery, error::Violation},
    lambda::http::{Parameters, pages},
};

/// Lines on a page, unless the query says otherwise.
pub const DEFAULT_LIMIT: usize = 50;

/// Lines on a page at most.
pub const MAX_LIMIT: u32 = 100;

/// How far a range without beginning reaches back, unless it is about one user.
const DEFAULT_RANGE: Duration = Duration::from_hours(24);

/// How long a range may be, unless it is about one user. Each day is a partition, and one call of
/// the trail reads no more than 32.
const MAX_RANGE: Duration = Duration::from_hours(31 * 24);

/// Reads the query parameters, decoded.
///
/// | parameter | value | without it |
/// |---|---|---|
/// | user | a user's id | everybody, and what concerns nobody |
/// | type | an event's name | every one |
/// | from | RFC 3339, inclusive | 24 hours before `to`; with `user`, the beginning |
/// | to | RFC 3339, exclusive | now |
/// | limit | 1 to 100 | 50 |
/// | cursor | from a link | the newest |
///
/// From `from` to `to` are 31 days at most, except with `user`.
///
/// # Errors
/// Every wrong, unknown and repeated parameter, and a range that is empty or too long.
pub fn parse<'a>(
    given: impl IntoIterator<Item = (&'a str, &'a str)>,
    now: Timestamp,
) -> Result<AuditQuery> {
    let mut parameters = Parameters::new(given);
    let is_about_one = parameters.has("user");
    let user_id = parameters.parse("user");
    let kind = parameters.take("type", |value| {
        value
            .parse::<EventKind>()
            .map_err(|message| Violation::new("invalid-event", message))
    });
    let from = parameters.parse("from");
    // What happened just now is part of it.
    let to = parameters
        .parse("to")
        .unwrap_or_else(|| now.plus(Duration::from_micros(1)));
    let limit = parameters.number("limit", MAX_LIMIT);
    let before = parameters.take("cursor", decode);
    let from = from.unwrap_or_else(|| {
        if is_about_one {
            Timestamp::from_micros(0)
        } else {
            to.minus(DEFAULT_RANGE)
        }
    });
    let is_known = !(parameters.is_wrong("from") || parameters.is_wrong("to"));
    if is_known && from >= to {
        parameters.refuse("from", Violation::new("conflict", "is not before to"));
    } else if is_known && !is_about_one && from.until(to) > MAX_RANGE {
        let message = "is more than 31 days before to, which takes a user";
        parameters.refuse("from", Violation::new("out-of-range", message));
    }
    parameters.finish()?;
    Ok(AuditQuery {
        user_id,
        kind,
        from,
        to,
        before,
        limit: limit.map_or(DEFAULT_LIMIT, |limit| limit as usize),
    })
}

/// Path and query of the page that begins at `place`. It has the whole range, so that it asks the same
/// whenever it is followed.
pub fn link(path: &str, query: &AuditQuery, place: (Timestamp, EventId)) -> String {
    let limit = Some(query.limit).filter(|limit| *limit != DEFAULT_LIMIT);
    pages::link(
        path,
        [
            ("user", query.user_id.map(|user| user.to_string())),
            ("type", query.kind.map(|kind| kind.as_str().to_owned())),
            ("from", Some(query.from.to_string())),
            ("to", Some(query.to.to_string())),
            ("limit", limit.map(|limit| limit.to_string())),
            ("cursor", Some(encode(place))),
        ],
    )
}

fn encode((time, event): (Timestamp, EventId)) -> String {
    URL_SAFE_NO_PAD.encode(format!("{time}#{event}"))
}

fn decode(raw: &str) -> Result<(Timestamp, EventId), Violation> {
    let text = URL_SAFE_NO_PAD.decode(raw).ok();
    text.and_then(|text| {
        let text = String::from_utf8(text).ok()?;
        let (time, event) = text.split_once('#')?;
        Some((time.parse().ok()?, event.parse().ok()?))
    })
    .filter(|place| encode(*place) == raw)
    .ok_or_else(|| Violation::new("invalid-cursor", "is not a cursor this service gave"))
}

#[cfg(test)]
mod tests;
