//! The columns against the plain model.

pub(crate) mod samples;
mod stored;

use std::collections::{BTreeMap, BTreeSet};

use domain::user::Profile;
use proptest::prelude::*;
use uuid::Uuid;

use self::samples::{Model, USERS, queries, rows, sorts, users};
use super::{
    bits::Bits,
    page::{select, walk},
    *,
};
use crate::query::{Cursor, Position, Sort, SortKey, UserQuery};

#[derive(Debug, Clone)]
enum Step {
    /// A row, and whether to make it the next version of its user.
    Feed(FeedRow, bool),
    Ask(UserQuery),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn columns_answer_as_the_plain_model_does(
        steps in prop::collection::vec(prop_oneof![
            4 => (rows(), prop::bool::weighted(0.8)).prop_map(|(row, newer)| Step::Feed(row, newer)),
            1 => queries().prop_map(Step::Ask),
        ], 0..250),
    ) {
        let (mut columns, mut model) = (Columns::new(), Model::default());
        for step in steps {
            match step {
                Step::Feed(row, newer) => {
                    let row = if newer { model.renew(row) } else { row };
                    prop_assert_eq!(columns.upsert(&row).unwrap(), model.upsert(&row));
                }
                Step::Ask(query) => {
                    prop_assert_eq!(columns.list(&query), model.list(&query));
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
        limit in 1..10_u32,
        page in 1..20_u32,
    ) {
        let mut columns = Columns::new();
        for row in &fed {
            columns.upsert(row).unwrap();
        }
        let mut matching = Bits::of(&matching[..columns.rows.len()], |bit| *bit);
        matching.and(&columns.live);
        let total = matching.count();
        let sort = Sort { key, descending };
        let cursor = Cursor { inclusive, ..Cursor::beside(&place, sort, forward) };
        let mut order = order::Order::new(key);
        let Columns { rows, live, .. } = &columns;
        for position in [Position::Page(page), Position::Cursor(cursor)] {
            let query = UserQuery { position, limit, sort, ..UserQuery::default() };
            let walked = walk(order.slots(rows, live), rows, Some(&matching), total, &query);
            prop_assert_eq!(walked, select(rows, &matching, total, &query));
        }
    }

    #[test]
    fn a_walk_sees_users_who_stay_exactly_once(
        stable in prop::collection::vec(users(), 0..30),
        changes in prop::collection::vec(prop::collection::vec(rows(), 0..4), 60),
        sort in sorts(),
        limit in 1..6_u32,
        back in any::<bool>(),
    ) {
        // Users who stay have ids that no change has.
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
            columns.upsert(&FeedRow::Present(user.clone())).unwrap();
        }
        let start = UserQuery { limit, sort, ..UserQuery::default() };
        let mut query = start.clone();
        if back {
            // Any place is the end if no user is beyond it.
            query.position = Position::Page(1_000);
            let all = columns.list(&UserQuery { limit: 100, ..start }).users;
            let Some(last) = all.last() else { return Ok(()) };
            query.position = Position::Cursor(Cursor::beside(last, sort, true).turned());
        }
        let mut seen = Vec::new();
        for rows in &changes {
            let page = columns.list(&query);
            seen.extend(page.users.iter().map(|user| user.id));
            let further = if back { page.previous } else { page.next };
            let Some(cursor) = further else { break };
            query.position = Position::Cursor(cursor);
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
fn named(id: u128, name: &str) -> FeedRow {
    FeedRow::Present(Profile {
        id: UserId::from(Uuid::from_u128(id)),
        email: format!("u{id}@example.com").parse().unwrap(),
        email_verified: false,
        name: name.parse().unwrap(),
        roles: domain::Roles::new(),
        active: true,
        created_at: Timestamp::from_micros(1_000),
        updated_at: Timestamp::from_micros(1_000),
        version: Version::FIRST,
    })
}

fn search(columns: &mut Columns, needle: &str) -> u64 {
    let query = UserQuery {
        search: Some(needle.to_owned()),
        ..UserQuery::default()
    };
    columns.list(&query).total
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
fn a_search_finds_words_in_any_order() {
    let mut columns = Columns::new();
    for (id, name) in (0..).zip(["Zoë Zhang", "Zoë Zimmer", "Ann Zhang", "Anna Zhang"]) {
        columns.upsert(&named(id, name)).unwrap();
    }
    for (needle, found) in [
        ("zhang zoë", 1),
        ("zoë  zhang", 1),
        ("zh zo", 1),
        ("zhang u2@", 1),
        ("zhang ann", 2),
        ("zhang zimmer", 0),
        ("zhang zhang", 3),
        (" ", 4),
    ] {
        assert_eq!(search(&mut columns, needle), found, "{needle}");
    }
}

#[test]
fn diacritics_count_where_the_word_has_some() {
    let mut columns = Columns::new();
    let names = ["José Ñandú", "Jose Nandu", "Łukasz Żak", "Jürgen Kurz"];
    for (id, name) in (0..).zip(names) {
        columns.upsert(&named(id, name)).unwrap();
    }
    for (needle, found) in [
        ("Jose Nandu", 2),
        ("nandu", 2),
        ("josé", 1),
        ("josé nandu", 1),
        ("jóse", 0),
        ("lukasz zak", 1),
        ("łukasz", 1),
        ("kurz jurgen", 1),
        ("kürz", 0),
    ] {
        assert_eq!(search(&mut columns, needle), found, "{needle}");
    }
}

#[test]
fn the_rest_of_the_words_is_looked_for_among_few_rows_as_among_all() {
    let mut columns = Columns::new();
    for id in 0..200 {
        columns.upsert(&named(id, "Zoë Zhang")).unwrap();
    }
    columns.upsert(&named(200, "Zoë Unusual")).unwrap();
    columns.upsert(&named(201, "Zoe Unusual")).unwrap();
    for (needle, found) in [("unusual zoe", 2), ("unusual zoë", 1), ("unusual bob", 0)] {
        assert_eq!(search(&mut columns, needle), found, "{needle}");
    }
}

#[test]
fn an_address_is_found_by_its_domain_as_people_write_it() {
    let mut columns = Columns::new();
    let FeedRow::Present(mut user) = named(1, "Ann") else {
        unreachable!()
    };
    user.email = "ann@bücher.example".parse().unwrap();
    columns.upsert(&FeedRow::Present(user)).unwrap();
    columns.upsert(&named(2, "Bob")).unwrap();
    for needle in [
        "bücher",
        "BÜCHER.example",
        "ann@bücher.example",
        "xn--bcher",
        "bücher ann",
    ] {
        assert_eq!(search(&mut columns, needle), 1, "{needle}");
    }
}

#[test]
fn users_of_before_1970_sort_before_the_others() {
    let mut columns = Columns::new();
    for (id, micros) in [(1, 5), (2, -5), (3, i64::MIN), (4, 0)] {
        let FeedRow::Present(mut user) = named(id, "Ann") else {
            unreachable!()
        };
        user.created_at = Timestamp::from_micros(micros);
        columns.upsert(&FeedRow::Present(user)).unwrap();
    }
    let users = columns.list(&UserQuery::default()).users;
    let ids: Vec<_> = users
        .iter()
        .map(|user| user.id.as_uuid().as_u128())
        .collect();
    assert_eq!(ids, [1, 4, 2, 3]);
}

#[test]
fn no_match_spans_two_texts() {
    let mut columns = Columns::new();
    columns.upsert(&named(0, "Ann")).unwrap();
    columns.upsert(&named(1, "Bob")).unwrap();
    for needle in ["annu0", "ann\u{0}u0", "combob", "\u{ff}", "ÿ"] {
        assert_eq!(search(&mut columns, needle), 0, "{needle}");
    }
}

#[test]
fn an_erased_user_does_not_come_back_by_an_older_row() {
    let mut columns = Columns::new();
    let erased = |version| {
        FeedRow::Erased(Tombstone {
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
fn deleted_rows_are_reclaimed() {
    let mut columns = Columns::new();
    let FeedRow::Present(user) = named(0, "Ann") else {
        unreachable!()
    };
    for version in 1..10_000 {
        let version = Version::from(version);
        columns
            .upsert(&FeedRow::Present(Profile {
                version,
                ..user.clone()
            }))
            .unwrap();
    }
    assert_eq!(columns.len(), 1);
    assert!(columns.rows.len() < 100, "{}", columns.rows.len());
}

#[test]
fn the_first_pages_are_selected_and_no_order_is_made_for_them() {
    let mut columns = Columns::new();
    for id in 0..2_000 {
        columns
            .upsert(&named(id, &format!("Maria Garcia {id}")))
            .unwrap();
    }
    for (key, descending) in SortKey::ALL.into_iter().zip([true, false, true, false]) {
        let first = UserQuery {
            sort: Sort { key, descending },
            ..UserQuery::default()
        };
        let memory = columns.memory();
        columns.list(&first);
        assert_eq!(columns.memory(), memory, "{key:?}");
        // The second time an order is made and kept.
        columns.list(&first);
        assert!(columns.memory() > memory, "{key:?}");
    }
}

#[test]
fn a_user_takes_at_most_120_bytes_with_all_orders_made() {
    const COUNT: u128 = 20_000;
    let mut columns = Columns::new();
    for id in 0..COUNT {
        columns
            .upsert(&named(id, &format!("Maria Garcia {id}")))
            .unwrap();
    }
    for key in SortKey::ALL {
        let sort = Sort {
            key,
            descending: false,
        };
        // Deep, so that the order is made.
        let query = UserQuery {
            position: Position::Page(1_000),
            sort,
            ..UserQuery::default()
        };
        assert_eq!(columns.list(&query).users.len(), 10);
    }
    assert!(
        columns.memory() as u128 <= 120 * COUNT,
        "{}",
        columns.memory()
    );
}
