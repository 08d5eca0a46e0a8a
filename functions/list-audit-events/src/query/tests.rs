use shared::domain::{Error, UserId};
use url::form_urlencoded;

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
    let given: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
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
