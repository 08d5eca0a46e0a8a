//! The directory over the feed, from the write of a user to the answer.

use std::{collections::BTreeSet, time::Duration};

use shared::{
    directory::{
        FeedRow, SHARDS,
        ports::{FeedPosition, UserDirectory as _},
        query::{Cursor, Position, Sort, UserPage, UserQuery},
        service::Directory,
    },
    domain::{Timestamp, User, UserId},
};

use crate::{
    contract,
    ports::{INSTANT, Ports},
};

fn directory(ports: &Ports) -> Directory {
    Directory::new(
        ports.feed.clone(),
        ports.snapshots.clone(),
        Duration::from_secs(30),
        ports.env.clock.clone(),
    )
}

async fn rename(ports: &Ports, user: &User, name: &str) -> User {
    let change = user.rename(name.parse().unwrap(), &ports.metadata());
    ports.users.commit(&change.unwrap()).await.unwrap()
}

async fn erase(ports: &Ports, user: &User) {
    let erased = ports.users.commit(&user.erase(&ports.metadata())).await;
    erased.unwrap();
}

/// The feed, row by row.
async fn feed(ports: &Ports, from: Timestamp) -> Vec<FeedRow> {
    let mut rows = Vec::new();
    for shard in 0..SHARDS {
        let mut place = Some(FeedPosition::at(from));
        while let Some(from) = place {
            let page = ports.feed.page(shard, &from, None).await.unwrap();
            rows.extend(page.rows);
            place = page.next;
        }
    }
    rows
}

async fn the_feed_has_one_row_of_each_user_that_of_the_last_change(ports: Ports) {
    let mut users = Vec::new();
    for number in 0..8 {
        let address = format!("u{number}@example.com");
        users.push(ports.created(&address, &[]).await);
        (ports.advance)(INSTANT);
    }
    let before = ports.now();
    let renamed = rename(&ports, &users[3], "Zoe").await;
    erase(&ports, &users[4]).await;
    let all = feed(&ports, Timestamp::from_micros(0)).await;
    assert_eq!(all.len(), 8);
    let changed = feed(&ports, before).await;
    assert_eq!(changed.len(), 2);
    assert!(changed.contains(&FeedRow::Present(renamed.profile())));
    let is_gone = |row: &FeedRow| matches!(row, FeedRow::Erased(tombstone) if tombstone.id == users[4].id && tombstone.version == users[4].version.next() && tombstone.updated_at >= before);
    assert!(changed.iter().any(is_gone), "{changed:?}");
}

async fn the_feed_goes_on_after_any_row(ports: Ports) {
    for number in 0..12 {
        let address = format!("u{number}@example.com");
        ports.created(&address, &[]).await;
        // Some at the same time.
        if number % 3 == 0 {
            (ports.advance)(INSTANT);
        }
    }
    for shard in 0..SHARDS {
        let start = FeedPosition::at(Timestamp::from_micros(0));
        let all = ports.feed.page(shard, &start, None).await.unwrap().rows;
        for (index, row) in all.iter().enumerate() {
            let FeedRow::Present(user) = row else {
                panic!("{row:?}")
            };
            let place = FeedPosition {
                time: user.updated_at,
                after: Some(user.id),
            };
            let rest = ports.feed.page(shard, &place, None).await.unwrap().rows;
            assert_eq!(rest, all[index + 1..]);
        }
    }
}

async fn an_answer_has_what_was_written_before(ports: Ports) {
    let directory = directory(&ports);
    let total = async || directory.list(&UserQuery::default()).await.unwrap().total;
    assert_eq!(total().await, 0);
    let ann = ports.created("ann@example.com", &[]).await;
    assert_eq!(total().await, 1);
    rename(&ports, &ann, "Zoe").await;
    let page = directory.list(&UserQuery::default()).await.unwrap();
    assert_eq!(page.users[0].name.as_str(), "Zoe");
    let zoe = ports.users.find(ann.id).await.unwrap().unwrap();
    erase(&ports, &zoe).await;
    assert_eq!(total().await, 0);
}

/// Walks by cursor from one end to the other, beside others who come, change and go.
async fn walk(directory: &Directory, sort: Sort, back: bool) -> Vec<UserId> {
    let mut query = UserQuery {
        limit: 3,
        sort,
        ..UserQuery::default()
    };
    if back {
        let all = UserQuery {
            limit: 100,
            ..query.clone()
        };
        let last = directory.list(&all).await.unwrap().users.pop().unwrap();
        query.position = Position::Cursor(Cursor::beside(&last, sort, true).turned());
    }
    let mut seen = Vec::new();
    loop {
        let page: UserPage = directory.list(&query).await.unwrap();
        seen.extend(page.users.iter().map(|user| user.id));
        let further = if back { page.previous } else { page.next };
        let Some(cursor) = further else { return seen };
        query.position = Position::Cursor(cursor);
        // It is the others' turn.
        tokio::task::yield_now().await;
    }
}

/// Others come, are renamed and go, until the walk is over.
async fn others(ports: &Ports, names: &str, done: &tokio::sync::Notify) -> usize {
    let mut changes = 0;
    let over = done.notified();
    let mut over = std::pin::pin!(over);
    for number in 0.. {
        (ports.advance)(Duration::from_millis(1));
        let address = format!("{names}{number}@example.com");
        let user = ports.created(&address, &[]).await;
        let user = rename(ports, &user, ["Aaron", "Zoe"][number % 2]).await;
        if number % 3 > 0 {
            erase(ports, &user).await;
        }
        changes += 1;
        if futures::poll!(over.as_mut()).is_ready() {
            break;
        }
        tokio::task::yield_now().await;
    }
    changes
}

async fn a_walk_sees_everybody_who_stays_exactly_once(ports: Ports) {
    let mut stay = BTreeSet::new();
    for number in 0..24 {
        let address = format!("stays{number}@example.com");
        let user = ports.created(&address, &[]).await;
        let name = format!("{} Walker", ["Ann", "Bob", "Bob", "Cid"][number % 4]);
        stay.insert(rename(&ports, &user, &name).await.id);
        if number % 2 == 0 {
            (ports.advance)(INSTANT);
        }
    }
    for (round, sort) in ["createdAt", "-createdAt", "name", "-email"]
        .iter()
        .enumerate()
    {
        for back in [false, true] {
            let directory = directory(&ports);
            let done = tokio::sync::Notify::new();
            let walked = async {
                let seen = walk(&directory, sort.parse().unwrap(), back).await;
                done.notify_one();
                seen
            };
            let names = format!("other{round}{back}");
            let (seen, changes) = tokio::join!(walked, others(&ports, &names, &done));
            let mut staying: Vec<_> = seen.into_iter().filter(|id| stay.contains(id)).collect();
            staying.sort_unstable();
            let expected: Vec<_> = stay.iter().copied().collect();
            assert_eq!(staying, expected, "{sort}, back: {back}");
            assert!(changes > 0);
        }
    }
}

contract!(
    the_feed_has_one_row_of_each_user_that_of_the_last_change,
    the_feed_goes_on_after_any_row,
    an_answer_has_what_was_written_before,
    a_walk_sees_everybody_who_stays_exactly_once,
);
