//! Users, rows and queries that meet often, and the plain model.

use std::collections::BTreeMap;

use domain::{Email, Name, Timestamp, UserId, Version, user::Profile};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{
    FeedRow, Tombstone,
    query::{
        Cursor, Position, Sort, SortKey, UserPage, UserQuery, filter::tests::specifications,
        reference,
    },
};

/// Few enough that users meet again, many enough that rows are deleted by the hundred.
pub(super) const USERS: u128 = 24;
pub(super) const MICROS: std::ops::Range<i64> = -3..3;

pub(super) fn ids() -> impl Strategy<Value = UserId> {
    (0..USERS).prop_map(|id| UserId::from(Uuid::from_u128(id)))
}

pub(super) fn texts() -> impl Strategy<Value = String> {
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
        "ann rene",
        "Fe zoë",
        "Łó",
        "lo",
        "é",
        "bücher",
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

pub(super) fn names() -> impl Strategy<Value = Name> {
    let raw = prop::collection::vec(texts(), 1..3).prop_map(|texts| texts.join(" "));
    raw.prop_filter_map("is no name", |raw| raw.parse().ok())
}

pub(super) fn users() -> impl Strategy<Value = Profile> {
    let local = prop_oneof![4 => "[a-c]{1,2}", 1 => Just("stra\u{301}ße".to_owned())];
    let domain = prop::sample::select(vec!["example.com", "b.example", "xn--bcher-kva.example"]);
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
                email: Email::stored(format!("{local}@{domain}")),
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

pub(crate) fn rows() -> impl Strategy<Value = FeedRow> {
    let erased = (ids(), 1..8_u64).prop_map(|(id, version)| {
        FeedRow::Erased(Tombstone {
            id,
            version: Version::from(version),
            updated_at: Timestamp::from_micros(0),
        })
    });
    prop_oneof![5 => users().prop_map(FeedRow::Present), 1 => erased]
}

pub(super) fn sorts() -> impl Strategy<Value = Sort> {
    (prop::sample::select(SortKey::ALL.to_vec()), any::<bool>())
        .prop_map(|(key, descending)| Sort { key, descending })
}

pub(crate) fn queries() -> impl Strategy<Value = UserQuery> {
    let position = prop_oneof![
        Just(None),
        (1..8_u32).prop_map(|page| Some(Ok(page))),
        (users(), any::<[bool; 2]>()).prop_map(|place| Some(Err(place))),
    ];
    let search = prop::option::of(texts());
    let filter = prop::option::of(specifications(texts(), MICROS));
    (position, 1..12_u32, search, filter, sorts()).prop_map(
        |(position, limit, search, filter, sort)| UserQuery {
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
pub(super) struct Model(BTreeMap<UserId, (Version, Option<Profile>)>);

impl Model {
    pub(super) fn upsert(&mut self, row: &FeedRow) -> bool {
        let (id, version, user) = match row {
            FeedRow::Present(user) => (user.id, user.version, Some(user.clone())),
            FeedRow::Erased(tombstone) => (tombstone.id, tombstone.version, None),
        };
        let applied = self.0.get(&id).is_none_or(|(known, _)| *known < version);
        if applied {
            self.0.insert(id, (version, user));
        }
        applied
    }

    /// The row as the next version of its user.
    pub(super) fn renew(&self, row: FeedRow) -> FeedRow {
        let next = |id: UserId| {
            self.0
                .get(&id)
                .map_or(Version::FIRST, |(known, _)| known.next())
        };
        match row {
            FeedRow::Present(user) => FeedRow::Present(Profile {
                version: next(user.id),
                ..user
            }),
            FeedRow::Erased(tombstone) => FeedRow::Erased(Tombstone {
                version: next(tombstone.id),
                ..tombstone
            }),
        }
    }

    pub(super) fn list(&self, query: &UserQuery) -> UserPage {
        reference::list(self.0.values().filter_map(|(_, user)| user.clone()), query)
    }
}
