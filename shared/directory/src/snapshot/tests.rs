//! Columns come back from their segments as they were.

use std::collections::BTreeSet;

use domain::{Email, Name, Role, Timestamp, UserId, Version, history, user::Profile};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::*;
use crate::{
    columns::{
        Columns,
        tests::samples::{queries, rows},
    },
    query::UserQuery,
    row::{FeedRow, Tombstone},
};

fn id(number: u128) -> UserId {
    UserId::from(Uuid::from_u128(number))
}

fn user(number: u128, name: &str) -> Profile {
    Profile {
        id: id(number),
        email: format!("u{number}@example.com").parse().unwrap(),
        email_verified: true,
        name: name.parse().unwrap(),
        roles: ["admin", "support"]
            .map(|role| role.parse().unwrap())
            .into(),
        active: true,
        created_at: Timestamp::from_micros(1_000),
        updated_at: Timestamp::from_micros(2_000),
        version: Version::FIRST,
    }
}

fn columns(users: impl IntoIterator<Item = Profile>) -> Columns {
    let mut columns = Columns::new();
    for user in users {
        columns.upsert(&FeedRow::Present(user)).unwrap();
    }
    columns
}

fn loaded<'a>(segments: impl IntoIterator<Item = &'a Vec<u8>>) -> Columns {
    let mut columns = Columns::new();
    for segment in segments {
        load_segment(&mut columns, segment).unwrap();
    }
    columns
}

proptest! {
    #[test]
    fn loaded_columns_answer_as_those_which_were_written(
        fed in prop::collection::vec(rows(), 0..150),
        later in prop::collection::vec(rows(), 0..50),
        asked in prop::collection::vec(queries(), 5),
    ) {
        let mut written = Columns::new();
        for row in &fed {
            written.upsert(row).unwrap();
        }
        let segments = super::segments(&written).unwrap();
        // In any order, and twice.
        let mut loaded = loaded(segments.iter().rev().chain(&segments));
        prop_assert_eq!(super::segments(&loaded).unwrap(), segments);
        // A later row is applied to both or to none: tombstones count.
        for row in &later {
            prop_assert_eq!(loaded.upsert(row).unwrap(), written.upsert(row).unwrap());
        }
        for query in asked {
            prop_assert_eq!(loaded.list(&query), written.list(&query));
        }
    }

    #[test]
    fn what_is_no_segment_is_refused_and_never_panics(
        cut in 0..10_000_usize,
        at in 0..10_000_usize,
        bit in 0..8_u32,
    ) {
        let segments = super::segments(&columns((1..50).map(|number| user(number, "Ann")))).unwrap();
        let unpacked = zstd::bulk::decompress(&segments[0], MAX_UNPACKED).unwrap();
        let pack = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).unwrap();
        // The hash would show it; a forged one must not make us panic either.
        let cut = load_segment(&mut Columns::new(), &pack(&unpacked[..cut % unpacked.len()]));
        prop_assert!(cut.is_err());
        let mut flipped = unpacked.clone();
        flipped[at % unpacked.len()] ^= 1 << bit;
        let mut columns = Columns::new();
        if load_segment(&mut columns, &pack(&flipped)).is_ok() {
            let _ = columns.list(&UserQuery::default());
        }
        prop_assert!(load_segment(&mut Columns::new(), &unpacked).is_err());
    }
}

#[test]
fn a_change_of_one_user_changes_only_that_users_segment() {
    let everybody = |name: &'static str| {
        (0..20_000).map(move |number| user(number, if number == 5_000 { name } else { "Ann" }))
    };
    let before = segments(&columns(everybody("Ann"))).unwrap();
    assert_eq!(before.len(), 5);
    let mut after = columns(everybody("Bob"));
    assert_eq!(changed(&before, &after), 1);
    // Nor does one who comes, or one who goes.
    after
        .upsert(&FeedRow::Present(user(20_001, "Cid")))
        .unwrap();
    after
        .upsert(&FeedRow::Erased(Tombstone {
            id: id(9_000),
            version: Version::from(2),
            updated_at: Timestamp::from_micros(9),
        }))
        .unwrap();
    assert_eq!(changed(&before, &after), 3);
}

fn changed(before: &[Vec<u8>], after: &Columns) -> usize {
    let before: BTreeSet<_> = before.iter().collect();
    let after = segments(after).unwrap();
    after
        .iter()
        .filter(|segment| !before.contains(segment))
        .count()
}

#[test]
fn segments_fit_whatever_is_in_them() {
    // Names which do not compress, as long as names may be.
    let noise = |number: u128| {
        let mut name = String::new();
        for part in 0..10_u8 {
            let hash = Sha256::digest([number.to_be_bytes().as_slice(), &[part]].concat());
            name.extend(
                hash[..10]
                    .iter()
                    .map(|byte| char::from_u32(0x4e00 + u32::from(*byte) * 64).unwrap()),
            );
        }
        name
    };
    let users = (0..6_000).map(|number| user(number * 0x1000 + 1, &noise(number)));
    let written = columns(users);
    let segments = super::segments(&written).unwrap();
    assert!(segments.len() > 1);
    assert!(segments.iter().all(|segment| segment.len() <= MAX_BYTES));
    assert_eq!(loaded(&segments).len(), 6_000);
}

#[test]
fn what_is_refused_today_comes_back_from_a_segment() {
    let stored = Profile {
        name: Name::stored("Bob\n\u{202e}SAM".to_owned()),
        email: Email::stored("No Address".to_owned()),
        roles: [Role::stored("An Old Role".to_owned())].into(),
        ..user(1, "Ann")
    };
    let mut loaded = loaded(&super::segments(&columns([stored.clone()])).unwrap());
    assert_eq!(loaded.list(&UserQuery::default()).users, [stored]);
}

#[test]
fn another_format_is_unreadable() {
    let segments = super::segments(&columns([user(1, "Ann")])).unwrap();
    let mut unpacked = zstd::bulk::decompress(&segments[0], MAX_UNPACKED).unwrap();
    unpacked[0] += 1;
    let packed = zstd::bulk::compress(&unpacked, 1).unwrap();
    let refused = load_segment(&mut Columns::new(), &packed);
    assert_eq!(refused, Err(Unreadable("a segment has another format")));
}

/// If this fails, what segments mean has changed: [`FORMAT`] must grow with it.
#[test]
fn the_format_has_a_number() {
    let names = [
        "Ann",
        "mcDonald",
        "Lange Straße",
        "İpek",
        "e\u{301}",
        "ΣΊΣΥΦΟΣ",
    ];
    let written = columns((1..).zip(names).map(|(number, name)| user(number, name)));
    let segments = super::segments(&written).unwrap();
    let unpacked = zstd::bulk::decompress(&segments[0], MAX_UNPACKED).unwrap();
    let hash: [u8; 32] = Sha256::digest(unpacked).into();
    insta::assert_snapshot!(
        format!("{FORMAT} {}", history::Digest::from(hash)),
        @"1 7ddef1ecfd5f43e28097621c42167870c078b1a5d513040aee6240aa51ad7ab1"
    );
}

#[test]
fn a_name_has_one_text() {
    let name = SegmentName::of(7, b"bytes");
    assert!(name.is_of(b"bytes") && !name.is_of(b"others"));
    assert_eq!(name.to_string().parse(), Ok(name));
    assert!("7".parse::<SegmentName>().is_err());
}
