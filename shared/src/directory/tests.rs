//! The columns against the plain model.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::{
    bits::Bits,
    query::{Wanted, select, walk},
    *,
};
use crate::domain::{
    Cursor, Name,
    listing::{Listed, Listing, Position, Sort, SortKey},
    specification::tests::specifications,
};

/// Few enough that users meet again, many enough that rows die by the hundred.
const USERS: u128 = 24;
const MICROS: std::ops::Range<i64> = 0..6;

fn ids() -> impl Strategy<Value = UserId> {
    (0..USERS).prop_map(|id| UserId::from(Uuid::from_u128(id)))
}

fn texts() -> impl Strategy<Value = String> {
    let telling = prop::sample::select(vec![
        "Ann",
        "ANNA",
        "an",
        "straße",
        "STRASSE",
        "İpek",
        "\u{fb01}nn",
        "FIN",
        "René",
        "e\u{301}",
        "McDonald",
        "o'brien-smith",
        "ß",
        "s",
        "a",
        "Σ",
        "ς",
        "@",
        "example",
        "b@example",
        " ",
    ]);
    prop_oneof![
        6 => telling.prop_map(str::to_owned),
        1 => "[a-c]{0,3}",
        1 => "\\PC{0,3}",
    ]
}

fn names() -> impl Strategy<Value = Name> {
    let raw = prop::collection::vec(texts(), 1..3).prop_map(|texts| texts.join(" "));
    raw.prop_filter_map("is no name", |raw| raw.parse().ok())
}

fn users() -> impl Strategy<Value = Profile> {
    let local = prop_oneof![4 => "[a-c]{1,2}", 1 => Just("straße".to_owned())];
    let domain = prop::sample::select(vec!["example.com", "b.example"]);
    let roles = prop::sample::subsequence(vec!["admin", "support", "ab"], 0..=3);
    let times = (MICROS, MICROS);
    let flags = any::<[bool; 2]>();
    (ids(), names(), local, domain, roles, flags, times, 1..8_u64).prop_map(
        |(
            id,
            name,
            local,
            domain,
            roles,
            [active, email_verified],
            (created, updated),
            version,
        )| {
            Profile {
                id,
                email: format!("{local}@{domain}").parse().unwrap(),
                email_verified,
                name,
                roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
                active,
                created_at: Timestamp::from_micros(created),
                updated_at: Timestamp::from_micros(updated),
                version: Version::from(version),
            }
        },
    )
}

fn rows() -> impl Strategy<Value = Row> {
    let erased = (ids(), 1..8_u64).prop_map(|(id, version)| {
        Row::Erased(Tombstone {
            id,
            version: Version::from(version),
            updated_at: Timestamp::from_micros(0),
        })
    });
    prop_oneof![5 => users().prop_map(Row::Present), 1 => erased]
}

fn sorts() -> impl Strategy<Value = Sort> {
    (prop::sample::select(SortKey::ALL.to_vec()), any::<bool>())
        .prop_map(|(key, descending)| Sort { key, descending })
}

fn listings() -> impl Strategy<Value = Listing> {
    let position = prop_oneof![
        Just(None),
        (1..8_u32).prop_map(|page| Some(Ok(page))),
        (users(), any::<[bool; 2]>()).prop_map(|place| Some(Err(place))),
    ];
    let search = prop::option::of(texts());
    let filter = prop::option::of(specifications(texts(), MICROS));
    (position, 1..12_u32, search, filter, sorts()).prop_map(
        |(position, limit, search, filter, sort)| Listing {
            position: match position {
                None => Position::Start,
                Some(Ok(page)) => Position::Page(page),
                Some(Err((user, [forward, inclusive]))) => Position::Cursor(Cursor {
                    inclusive,
                    ..Cursor::beside(&user, sort, forward)
                }),
            },
            limit,
            search,
            filter,
            sort,
        },
    )
}

/// The plain model: for each user, the version known and what it says.
#[derive(Debug, Default)]
struct Model(BTreeMap<UserId, (Version, Option<Profile>)>);

impl Model {
    fn upsert(&mut self, row: &Row) -> bool {
        let (id, version, user) = match row {
            Row::Present(user) => (user.id, user.version, Some(user.clone())),
            Row::Erased(tombstone) => (tombstone.id, tombstone.version, None),
        };
        let news = self.0.get(&id).is_none_or(|(known, _)| *known < version);
        if news {
            self.0.insert(id, (version, user));
        }
        news
    }

    /// The row as the next version of its user.
    fn renew(&self, row: Row) -> Row {
        let next = |id: UserId| {
            self.0
                .get(&id)
                .map_or(Version::FIRST, |(known, _)| known.next())
        };
        match row {
            Row::Present(user) => Row::Present(Profile {
                version: next(user.id),
                ..user
            }),
            Row::Erased(tombstone) => Row::Erased(Tombstone {
                version: next(tombstone.id),
                ..tombstone
            }),
        }
    }

    fn list(&self, listing: &Listing) -> Listed {
        reference::list(
            self.0.values().filter_map(|(_, user)| user.clone()),
            listing,
        )
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// A row, and whether it is news.
    Feed(Row, bool),
    Ask(Listing),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn columns_answer_as_the_plain_model_does(
        steps in prop::collection::vec(prop_oneof![
            4 => (rows(), prop::bool::weighted(0.8)).prop_map(|(row, news)| Step::Feed(row, news)),
            1 => listings().prop_map(Step::Ask),
        ], 0..250),
    ) {
        let (mut columns, mut model) = (Columns::new(), Model::default());
        for step in steps {
            match step {
                Step::Feed(row, news) => {
                    let row = if news { model.renew(row) } else { row };
                    prop_assert_eq!(columns.upsert(&row).unwrap(), model.upsert(&row));
                }
                Step::Ask(listing) => {
                    prop_assert_eq!(columns.list(&listing).unwrap(), model.list(&listing));
                }
            }
        }
    }

    #[test]
    fn walking_and_selecting_find_the_same(
        fed in prop::collection::vec(rows(), 0..100),
        key in prop::sample::select(SortKey::ALL.to_vec()),
        matching in prop::collection::vec(any::<bool>(), 100),
        place in users(),
        descending in any::<bool>(),
        [forward, inclusive] in any::<[bool; 2]>(),
        limit in 1..10_usize,
        ranks in (0..100_usize, 0..10_usize),
    ) {
        let mut columns = Columns::new();
        for row in &fed {
            columns.upsert(row).unwrap();
        }
        let mut matching = Bits::of(&matching[..columns.rows.len()], |bit| *bit);
        matching.and(&columns.living);
        let total = matching.count();
        let start = ranks.0.min(total);
        let cursor = Cursor { inclusive, ..Cursor::beside(&place, Sort { key, descending }, forward) };
        let mut order = order::Order::new(key);
        let Columns { rows, living, .. } = &columns;
        for wanted in [
            Wanted::Ranks(start..total.min(start + ranks.1)),
            Wanted::Beside(&cursor, limit),
        ] {
            let walked = walk(order.slots(rows, living), rows, Some(&matching), total, &wanted);
            let selected = select(rows, key, &matching, total, &wanted);
            prop_assert_eq!(walked, selected);
        }
    }

    #[test]
    fn a_walk_sees_who_stays_exactly_once(
        stable in prop::collection::vec(users(), 0..30),
        changes in prop::collection::vec(prop::collection::vec(rows(), 0..4), 60),
        sort in sorts(),
        limit in 1..6_u32,
        back in any::<bool>(),
    ) {
        // Those who stay have ids of their own; whatever happens, happens to others.
        let stable: BTreeMap<_, _> = stable
            .into_iter()
            .map(|user| Profile {
                id: UserId::from(Uuid::from_u128(user.id.as_uuid().as_u128() + USERS)),
                ..user
            })
            .map(|user| (user.id, user))
            .collect();
        let mut columns = Columns::new();
        for user in stable.values() {
            columns.upsert(&Row::Present(user.clone())).unwrap();
        }
        let start = Listing { limit, sort, ..Listing::default() };
        let mut listing = start.clone();
        if back {
            // Any place is the end of all if nobody is beyond it.
            listing.position = Position::Page(1_000);
            let all = columns.list(&Listing { limit: 100, ..start }).unwrap().users;
            let Some(last) = all.last() else { return Ok(()) };
            listing.position = Position::Cursor(Cursor::beside(last, sort, true).turned());
        }
        let mut seen = Vec::new();
        for rows in &changes {
            let listed = columns.list(&listing).unwrap();
            seen.extend(listed.users.iter().map(|user| user.id));
            let further = if back { listed.previous } else { listed.next };
            let Some(cursor) = further else { break };
            listing.position = Position::Cursor(cursor);
            for row in rows {
                columns.upsert(row).unwrap();
            }
        }
        seen.retain(|id| stable.contains_key(id));
        let once: BTreeSet<_> = seen.iter().copied().collect();
        prop_assert_eq!(once.len(), seen.len());
        prop_assert_eq!(once, stable.keys().copied().collect());
    }
}

/// A user whose name is all that matters.
fn named(id: u128, name: &str) -> Row {
    Row::Present(Profile {
        id: UserId::from(Uuid::from_u128(id)),
        email: format!("u{id}@example.com").parse().unwrap(),
        email_verified: false,
        name: name.parse().unwrap(),
        roles: crate::domain::Roles::new(),
        active: true,
        created_at: Timestamp::from_micros(1_000),
        updated_at: Timestamp::from_micros(1_000),
        version: Version::FIRST,
    })
}

fn search(columns: &mut Columns, needle: &str) -> u64 {
    let listing = Listing {
        search: Some(needle.to_owned()),
        ..Listing::default()
    };
    columns.list(&listing).unwrap().total
}

#[test]
fn a_search_ignores_letter_case_and_encoding() {
    let mut columns = Columns::new();
    for (id, name) in (0..).zip(["Ann", "Lange Straße", "Ren\u{e9}", "ΣΊΣΥΦΟΣ"]) {
        columns.upsert(&named(id, name)).unwrap();
    }
    for needle in [
        "ANN",
        "ann",
        "STRASSE",
        "straße",
        "rene\u{301}",
        "σίσυφος",
        "U1@EXAMPLE",
    ] {
        assert_eq!(search(&mut columns, needle), 1, "{needle}");
    }
    assert_eq!(search(&mut columns, ""), 4);
    assert_eq!(search(&mut columns, "@"), 4);
}

#[test]
fn no_match_spans_two_texts() {
    let mut columns = Columns::new();
    columns.upsert(&named(0, "Ann")).unwrap();
    columns.upsert(&named(1, "Bob")).unwrap();
    for needle in [
        "annu0",
        "ann u0",
        "ann\u{0}u0",
        "combob",
        "com\nbob",
        "\u{ff}",
        "ÿ",
    ] {
        assert_eq!(search(&mut columns, needle), 0, "{needle}");
    }
}

#[test]
fn an_erased_user_does_not_come_back_by_an_older_row() {
    let mut columns = Columns::new();
    let erased = |version| {
        Row::Erased(Tombstone {
            id: UserId::from(Uuid::from_u128(7)),
            version: Version::from(version),
            updated_at: Timestamp::from_micros(500),
        })
    };
    assert!(columns.upsert(&named(7, "Ann")).unwrap());
    assert!(columns.upsert(&erased(2)).unwrap());
    assert!(!columns.upsert(&named(7, "Ann")).unwrap());
    assert!(columns.is_empty());
    // Once no such row can come, nothing is kept.
    columns.forget_erased(Timestamp::from_micros(500));
    assert!(!columns.upsert(&named(7, "Ann")).unwrap());
    columns.forget_erased(Timestamp::from_micros(501));
    assert!(columns.upsert(&named(7, "Ann")).unwrap());
}

#[test]
fn rows_of_the_dead_are_reclaimed() {
    let mut columns = Columns::new();
    let Row::Present(user) = named(0, "Ann") else {
        unreachable!()
    };
    for version in 1..10_000 {
        let version = Version::from(version);
        columns
            .upsert(&Row::Present(Profile {
                version,
                ..user.clone()
            }))
            .unwrap();
    }
    assert_eq!(columns.len(), 1);
    assert!(columns.rows.len() < 100, "{}", columns.rows.len());
}
