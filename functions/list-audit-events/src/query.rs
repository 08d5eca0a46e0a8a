//! The parameters of `GET /audit-events`, and the links that repeat them.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use shared::{
    domain::{EventId, EventKind, Result, Timestamp, audit::AuditQuery, error::Violation},
    lambda::http::{Parameters, response},
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
    response::link(
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
mod tests {
    use shared::domain::{Error, UserId};

    use super::*;

    fn now() -> Timestamp {
        "2026-06-03T12:00:00Z".parse().unwrap()
    }

    fn parsed(given: &[(&str, &str)]) -> AuditQuery {
        parse(given.iter().copied(), now()).unwrap()
    }

    fn refused(given: &[(&str, &str)]) -> Vec<(String, &'static str)> {
        let Err(Error::Invalid(errors)) = parse(given.iter().copied(), now()) else {
            panic!("not refused: {given:?}");
        };
        errors
            .into_iter()
            .map(|error| (error.pointer, error.code))
            .collect()
    }

    #[test]
    fn without_parameters_it_is_the_last_day() {
        let query = parsed(&[]);
        assert_eq!(query.limit, 50);
        assert!((query.from..query.to).contains(&now()));
        assert_eq!(query.from.until(query.to), DEFAULT_RANGE);
        assert_eq!(
            (query.user_id, query.kind, query.before),
            (None, None, None)
        );
    }

    #[test]
    fn of_one_user_it_is_everything() {
        let id = UserId::new(now(), [1; 10]).to_string();
        let query = parsed(&[("user", &id)]);
        assert_eq!(query.from, Timestamp::from_micros(0));
        assert!(query.to > now());
        let query = parsed(&[("user", &id), ("from", "2020-01-01T00:00:00+01:00")]);
        assert_eq!(query.from, "2019-12-31T23:00:00Z".parse().unwrap());
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let given = [
            ("user", "ann"),
            ("type", "UserRenamed"),
            ("from", "yesterday"),
            ("to", "noon"),
            ("limit", "0"),
            ("cursor", "AAAA"),
            ("page", "1"),
        ];
        let expected = [
            ("user", "invalid-id"),
            ("type", "invalid-event"),
            ("from", "invalid-time"),
            ("to", "invalid-time"),
            ("limit", "out-of-range"),
            ("cursor", "invalid-cursor"),
            ("page", "unknown-parameter"),
        ];
        let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code));
        assert_eq!(refused(&given), expected);
    }

    #[test]
    fn a_range_has_an_extent_and_a_limit() {
        let conflict = |given: &[(&str, &str)]| refused(given) == [("from".to_owned(), "conflict")];
        let time = "2026-06-03T00:00:00Z";
        assert!(conflict(&[("from", time), ("to", time)]));
        assert!(conflict(&[("from", "2026-06-04T00:00:00Z")]));
        let long = [("from", "2026-05-02T23:59:59Z"), ("to", time)];
        assert_eq!(refused(&long), [("from".to_owned(), "out-of-range")]);
        parsed(&[("from", "2026-05-03T00:00:00Z"), ("to", time)]);
    }

    #[test]
    fn a_link_asks_the_same_from_another_place() {
        let id = UserId::new(now(), [1; 10]).to_string();
        let query = parsed(&[("user", &id), ("type", "UserCreated"), ("limit", "7")]);
        let place = (now(), EventId::new(now(), [2; 10]));
        let link = link("/audit-events", &query, place);
        let (path, text) = link.split_once('?').unwrap();
        assert_eq!(path, "/audit-events");
        let given: Vec<_> = url::form_urlencoded::parse(text.as_bytes()).collect();
        let given = given.iter().map(|(name, value)| (&**name, &**value));
        let later = now().plus(Duration::from_hours(100));
        let followed = parse(given, later).unwrap();
        let expected = AuditQuery {
            before: Some(place),
            ..query
        };
        assert_eq!(followed, expected);
    }

    #[test]
    fn a_cursor_has_one_spelling() {
        let event = EventId::new(now(), [2; 10]);
        let refused_as_cursor = |text: String| {
            let raw = URL_SAFE_NO_PAD.encode(text);
            refused(&[("cursor", &raw)]) == [("cursor".to_owned(), "invalid-cursor")]
        };
        assert!(refused_as_cursor(format!("2026-06-03T12:00:00Z#{event}")));
        assert!(refused_as_cursor(format!("{}#", now())));
    }
}
