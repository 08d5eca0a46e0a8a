//! Specifications: memory, columns and DynamoDB agree on who satisfies them.

use std::{collections::BTreeSet, time::Duration};

use futures::TryStreamExt as _;
use proptest::{
    prelude::*,
    strategy::{Strategy, ValueTree as _},
    test_runner::TestRunner,
};
use shared::{
    directory::{
        Specification, feed, ports::UserDirectory as _, query::UserQuery, service::Directory,
    },
    domain::{Email, Role, Roles, User, UserId, user::NewUser},
};

use crate::{contract, ports::Ports};

/// Names and parts of them that differ in letter case, encoding and folding.
const NAMES: [&str; 8] = [
    "Ann",
    "ANNA Lee",
    "straße",
    "Strasse",
    "René",
    "Re\u{6e}e\u{301}",
    "İpek",
    "o'Brien",
];
const LOCALS: [&str; 6] = ["ann", "bob", "strasse", "ss", "a+b", "a-b"];
const DOMAINS: [&str; 3] = ["example.com", "example.com.evil.example", "b.example"];
const ROLES: [&str; 3] = ["admin", "support", "ad"];

/// Filters as people write them.
fn filters() -> impl Strategy<Value = String> {
    let any_of = |words: &[&'static str]| prop::sample::select(words.to_vec());
    let text = prop_oneof![
        any_of(&NAMES).prop_map(str::to_owned),
        any_of(&ROLES).prop_map(str::to_owned),
        (any_of(&["", "ann", "ß", "ss"]), any_of(&DOMAINS))
            .prop_map(|(local, domain)| format!("{local}@{domain}")),
        any_of(&[
            "a", "S", "ß", "ss", "e\u{301}", "@", "@ex", "b@", ".com", "", " "
        ])
        .prop_map(str::to_owned),
    ];
    let compared = any_of(&["eq", "ne", "gt", "ge", "lt", "le"]);
    let tested = prop_oneof![compared.clone(), any_of(&["co", "sw", "ew"])];
    let flag = (any_of(&["active", "emailVerified"]), any::<bool>())
        .prop_map(|(name, value)| format!("{name} eq {value}"));
    let of_text = (any_of(&["name", "email", "roles"]), tested, text)
        .prop_map(|(name, test, text)| format!("{name} {test} {}", serde_json::Value::from(text)));
    let time = (any_of(&["createdAt", "updatedAt"]), compared, 0..40_u32).prop_map(
        |(name, test, second)| format!(r#"{name} {test} "2026-11-24T16:32:{second:02}.1204Z""#),
    );
    let present = any_of(&["name pr", "roles pr", "createdAt pr"]).prop_map(str::to_owned);
    prop_oneof![2 => flag, 4 => of_text, 2 => time, 1 => present].prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("({})", parts.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.prop_map(|part| format!("not ({part})")),
        ]
    })
}

/// Some users, of each combination one or none.
async fn settle(ports: &Ports, runner: &mut TestRunner) -> Vec<User> {
    let people = (
        prop::sample::select(NAMES.to_vec()),
        prop::sample::subsequence(ROLES.to_vec(), 0..=3),
        any::<[bool; 3]>(),
    );
    let mut users = Vec::new();
    for (number, (local, domain)) in pairs(&LOCALS, &DOMAINS).enumerate() {
        (ports.advance)(Duration::from_secs(1));
        let (name, roles, [active, renamed, erased]) = people.new_tree(runner).unwrap().current();
        let new = NewUser {
            id: ports.user_id(),
            email: format!("{local}@{domain}").parse::<Email>().unwrap(),
            name: name.parse().unwrap(),
            password: shared::domain::PasswordHash::from_phc("$hash"),
            roles: roles
                .iter()
                .map(|role| role.parse().unwrap())
                .collect::<Roles>(),
        };
        let mut user = commit(ports, &User::create(new, &ports.metadata())).await;
        // The first stays, as an administrator.
        if number > 0 && renamed {
            (ports.advance)(Duration::from_secs(1));
            let change = user.rename("Bob".parse().unwrap(), &ports.metadata());
            user = commit(ports, &change.unwrap()).await;
        }
        if !active && !user.roles.contains(&Role::admin()) {
            user = commit(ports, &user.deactivate(&ports.metadata()).unwrap()).await;
        }
        if erased && number % 4 == 3 && !user.roles.contains(&Role::admin()) {
            commit(ports, &user.erase(&ports.metadata())).await;
        } else {
            users.push(user);
        }
    }
    users
}

fn pairs<'a>(
    locals: &'a [&'a str],
    domains: &'a [&'a str],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    locals
        .iter()
        .flat_map(|local| domains.iter().map(move |domain| (*local, *domain)))
}

async fn commit(ports: &Ports, change: &shared::domain::Change) -> User {
    ports.users.commit(change).await.unwrap()
}

async fn memory_columns_and_feed_agree_on_who_satisfies_a_specification(ports: Ports) {
    let mut runner = TestRunner::deterministic();
    let users = settle(&ports, &mut runner).await;
    let directory = Directory::new(
        ports.feed.clone(),
        ports.snapshots.clone(),
        Duration::from_secs(30),
        ports.env.clock.clone(),
    );
    let (mut some, mut none) = (0, 0);
    for _ in 0..300 {
        let filter = filters().new_tree(&mut runner).unwrap().current();
        let specification: Specification = filter
            .parse()
            .unwrap_or_else(|why| panic!("{filter}: {why:?}"));
        let expected: BTreeSet<UserId> = users
            .iter()
            .filter(|user| specification.is_satisfied_by(&user.profile()))
            .map(|user| user.id)
            .collect();
        let by_feed: Vec<_> = feed::matching(&*ports.feed, &specification)
            .map_ok(|user| user.id)
            .try_collect()
            .await
            .unwrap();
        assert_eq!(by_feed.len(), expected.len(), "{filter}");
        assert_eq!(
            by_feed.into_iter().collect::<BTreeSet<_>>(),
            expected,
            "{filter}"
        );
        let query = UserQuery {
            filter: Some(specification),
            limit: 100,
            ..UserQuery::default()
        };
        let page = directory.list(&query).await.unwrap();
        let by_columns: BTreeSet<_> = page.users.iter().map(|user| user.id).collect();
        assert_eq!(by_columns, expected, "{filter}");
        assert_eq!(page.total, expected.len() as u64);
        *if expected.is_empty() {
            &mut none
        } else {
            &mut some
        } += 1;
    }
    assert!(
        some > 100 && none > 10,
        "telling filters: {some} and {none}"
    );
}

contract!(memory_columns_and_feed_agree_on_who_satisfies_a_specification);
