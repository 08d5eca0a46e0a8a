use directory::listing::SortKey;
use domain::{Roles, Timestamp, UserId, Version};
use proptest::prelude::*;
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

fn user(number: u128) -> Profile {
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

fn parse_query(query: &str) -> Result<Asked> {
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    parse(
        pairs
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref())),
    )
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
    assert_eq!(parse_query("").unwrap().listing, Listing::default());
}

#[test]
fn every_wrong_parameter_is_named_at_once() {
    let long = "a".repeat(MAX_SEARCH_CHARS + 1);
    let query = format!("page=0&limit=101&sort=age&filter=x&cursor=x&search={long}&q=1");
    let expected = [
        ("page", "out-of-range"),
        ("limit", "out-of-range"),
        ("sort", "invalid-sort"),
        ("filter", "invalid-filter"),
        ("cursor", "invalid-cursor"),
        ("search", "too-long"),
        ("q", "unknown-parameter"),
    ];
    assert_eq!(
        wrong(&query),
        expected.map(|(name, code)| (name.to_owned(), code))
    );
    for number in ["", "+1", "-1", "1.0", "1e1", " 1", "4294967296"] {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("page", number)
            .finish();
        assert_eq!(
            wrong(&query),
            [("page".to_owned(), "out-of-range")],
            "{number:?}"
        );
    }
    assert_eq!(wrong("page=1&page=1"), [("page".to_owned(), "repeated")]);
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
    let listing = parse_query(&format!("sort=-createdAt&cursor={cursor}"))
        .unwrap()
        .listing;
    assert_eq!(listing.position, Position::Cursor(cursor));
}

#[test]
fn links_speak_as_the_caller_does() {
    let listed = |next: bool, previous: bool| Listed {
        users: vec![user(1)],
        total: 25,
        next: next.then(|| Cursor::beside(&user(1), Sort::default(), true)),
        previous: previous.then(|| Cursor::beside(&user(1), Sort::default(), false)),
    };
    let body = |query: &str, listed| Body::new("/users", &parse_query(query).unwrap(), listed);

    let first = body("search=a%26b", listed(true, false));
    let next = first.pagination.next.clone().unwrap();
    assert!(next.starts_with("/users?search=a%26b&cursor="), "{next}");
    assert_eq!(
        (first.pagination.page, first.pagination.pages),
        (Some(1), 3)
    );
    assert_eq!(first.link_header(), Some(format!("<{next}>; rel=\"next\"")));

    let second = body("page=2&sort=name", listed(true, true));
    assert_eq!(
        second.pagination.next.as_deref(),
        Some("/users?page=3&sort=name")
    );
    assert_eq!(
        second.pagination.previous.as_deref(),
        Some("/users?page=1&sort=name")
    );
    let links = "</users?page=3&sort=name>; rel=\"next\", </users?page=1&sort=name>; rel=\"prev\"";
    assert_eq!(second.link_header().as_deref(), Some(links));

    let beyond = body(
        "page=9",
        Listed {
            users: Vec::new(),
            ..listed(false, false)
        },
    )
    .pagination;
    assert_eq!((beyond.page, beyond.total, beyond.pages), (Some(9), 25, 3));
    assert_eq!(
        (beyond.next, beyond.previous.as_deref()),
        (None, Some("/users?page=3"))
    );

    let walked = body(next.split_once('?').unwrap().1, listed(false, true));
    assert_eq!((walked.pagination.page, walked.pagination.pages), (None, 3));
    assert_eq!(walked.pagination.next, None);
    assert!(walked.pagination.previous.is_some());
}

#[test]
fn no_users_make_no_pages() {
    let none = Listed {
        users: Vec::new(),
        total: 0,
        next: None,
        previous: None,
    };
    let body = Body::new("/users", &parse_query("page=1").unwrap(), none);
    assert_eq!(
        serde_json::to_value(&body).unwrap(),
        serde_json::json!({
            "data": [],
            "pagination": {
                "page": 1, "limit": 10, "total": 0, "pages": 0, "next": null, "previous": null,
            },
        })
    );
    assert_eq!(body.link_header(), None);
}

proptest! {
    #[test]
    fn a_query_is_read_back(
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
        let raw = filter.map(str::to_owned);
        let filter = filter.map(|raw| raw.parse::<Specification>().unwrap());
        let listing = Listing { position, limit, search, filter, sort };
        let asked = Asked { listing, filter: raw };
        prop_assert_eq!(parse_query(&asked.query(&asked.listing.position)).unwrap(), asked);
    }
}
