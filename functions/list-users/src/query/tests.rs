use proptest::prelude::*;
use shared::{
    directory::query::SortKey,
    domain::{Error, Roles, Timestamp, UserId, Version, user::Profile},
};
use url::form_urlencoded;
use uuid::Uuid;

use super::*;

/// Characters that mean something in a URL, a filter or both.
const FILTERS: [&str; 5] = [
    "active eq true",
    r#"not (name co "a&b=c #%\"+")"#,
    r#"email sw "ä" or name ew "\u0000""#,
    r#"roles pr and updatedAt gt "2026-01-01T00:00:00Z""#,
    r#"(name eq "" or active eq false) and email co "@""#,
];

pub(crate) fn user(number: u128) -> Profile {
    Profile {
        id: UserId::from(Uuid::from_u128(number)),
        email: "ann@example.com".parse().unwrap(),
        email_verified: true,
        name: "Ann".parse().unwrap(),
        roles: Roles::new(),
        active: true,
        created_at: Timestamp::from_micros(1),
        updated_at: Timestamp::from_micros(1),
        version: Version::FIRST,
    }
}

pub(crate) fn parse_query(query: &str) -> Result<UserQuery> {
    let given: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    parse(given.iter().map(|(name, value)| (&**name, &**value)))
}

fn wrong(query: &str) -> Vec<(String, &'static str)> {
    match parse_query(query) {
        Err(Error::Invalid(errors)) => errors
            .into_iter()
            .map(|error| (error.pointer, error.code))
            .collect(),
        other => panic!("{query} gave {other:?}"),
    }
}

#[test]
fn without_parameters_the_newest_ten_are_listed() {
    assert_eq!(parse_query("").unwrap(), UserQuery::default());
}

#[test]
fn every_wrong_parameter_is_named_at_once() {
    let long = "a".repeat(MAX_SEARCH_CHARS + 1);
    let query = format!("page=0&limit=101&sort=age&filter=x&cursor=x&search={long}&q=1");
    let expected = [
        ("page", "out-of-range"),
        ("limit", "out-of-range"),
        ("search", "too-long"),
        ("filter", "invalid-filter"),
        ("sort", "invalid-sort"),
        ("cursor", "invalid-cursor"),
        ("q", "unknown-parameter"),
    ];
    assert_eq!(
        wrong(&query),
        expected.map(|(name, code)| (name.to_owned(), code))
    );
    assert_eq!(wrong("page=1&page=1"), [("page".to_owned(), "repeated")]);
}

#[test]
fn a_search_has_at_most_sixteen_words() {
    let search = |words: usize| format!("search={}", vec!["a"; words].join("+"));
    assert!(parse_query(&search(16)).is_ok());
    let expected = [("search".to_owned(), "too-many")];
    assert_eq!(wrong(&search(17)), expected);
}

#[test]
fn a_cursor_stands_alone() {
    let cursor = Cursor::beside(&user(1), Sort::default(), true);
    assert_eq!(
        wrong(&format!("page=1&cursor={cursor}")),
        [("page".to_owned(), "conflict")]
    );
    assert_eq!(
        wrong(&format!("sort=name&cursor={cursor}")),
        [("sort".to_owned(), "conflict")]
    );
    let query = parse_query(&format!("sort=-createdAt&cursor={cursor}")).unwrap();
    assert_eq!(query.position, Position::Cursor(cursor));
}

proptest! {
    #[test]
    fn a_link_asks_the_same(
        page in prop::option::of(1..=u32::MAX),
        limit in 1..=MAX_LIMIT,
        search in prop::option::of("\\PC{0,20}"),
        filter in prop::option::of(prop::sample::select(FILTERS.to_vec())),
        key in prop::sample::select(SortKey::ALL.to_vec()),
        [descending, by_cursor] in any::<[bool; 2]>(),
    ) {
        let sort = Sort { key, descending };
        let position = match page {
            Some(page) => Position::Page(page),
            None if by_cursor => Position::Cursor(Cursor::beside(&user(7), sort, true)),
            None => Position::Start,
        };
        let query = UserQuery {
            filter: filter.map(|raw| raw.parse().unwrap()),
            position, limit, search, sort,
        };
        let link = link("/users", filter, &query, &query.position);
        prop_assert_eq!(parse_query(link.strip_prefix("/users?").unwrap()).unwrap(), query);
    }
}
