//! Snapshots over the memory, and the directories that begin with them.

use std::{future::Future, time::Duration};

use shared::{
    application::ports::UserRepository as _,
    directory::{
        listing::Listing,
        ports::{Snapshots as _, UserDirectory as _},
        service::Directory,
    },
    domain::{Origin, User},
};
use testing::World;

use super::*;

const OVERLAP: Duration = Duration::from_mins(10);
const CHANGES: usize = 3;
const SECOND: Duration = Duration::from_secs(1);

fn snapshot(world: &Arc<World>) -> SnapshotDirectory {
    SnapshotDirectory {
        feed: world.clone(),
        snapshots: world.clone(),
        clock: world.clone(),
        overlap: OVERLAP,
        changes: CHANGES,
    }
}

/// A process that has just started.
fn cold(world: &Arc<World>) -> Directory {
    let overlap = Duration::from_secs(30);
    Directory::new(world.clone(), world.clone(), overlap, world.clone())
}

async fn add(world: &Arc<World>, names: &[&str]) -> Vec<User> {
    let mut users = Vec::new();
    for name in names {
        let address = format!("{name}@example.com");
        users.push(world.add_user(&address).await.unwrap());
        world.advance(SECOND);
    }
    users
}

async fn erase(world: &Arc<World>, user: &User) {
    let origin = Origin::system("test");
    let occasion = world.circumstances().occasion(origin).unwrap();
    world.commit(&user.erase(&occasion)).await.unwrap();
    world.advance(SECOND);
}

async fn rename(world: &Arc<World>, user: &User, name: &str) {
    let origin = Origin::system("test");
    let occasion = world.circumstances().occasion(origin).unwrap();
    let change = user.rename(name.parse().unwrap(), &occasion).unwrap();
    world.commit(&change).await.unwrap();
    world.advance(SECOND);
}

/// Who is there: the first letters of addresses, or of names given later.
async fn everybody(directory: &Directory) -> String {
    let listing = Listing {
        limit: 100,
        sort: "-updatedAt".parse().unwrap(),
        ..Listing::default()
    };
    let listed = directory.list(&listing).await.unwrap();
    let initial = |user: &shared::domain::user::Profile| {
        let name = Some(user.name.as_str()).filter(|name| *name != "Ann Example");
        name.unwrap_or(user.email.as_str()).chars().next()
    };
    let mut initials: Vec<_> = listed.users.iter().filter_map(initial).collect();
    initials.sort_unstable();
    initials.into_iter().collect()
}

async fn written(world: &Arc<World>) -> Manifest {
    let outcome = snapshot(world).execute().await.unwrap();
    assert!(matches!(outcome, Outcome::Written { .. }), "{outcome:?}");
    newest(world).await
}

async fn newest(world: &Arc<World>) -> Manifest {
    match world.newest().await.unwrap() {
        Some(Newest::Readable(manifest)) => manifest,
        other => panic!("{other:?}"),
    }
}

/// Waits for a condition that comes true by what others do meanwhile.
async fn eventually(condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .expect("it comes true");
}

#[tokio::test]
async fn a_few_changes_are_not_worth_a_snapshot() {
    let world = World::new();
    add(&world, &["a", "b"]).await;
    let outcome = snapshot(&world).execute().await.unwrap();
    assert_eq!(outcome, Outcome::NotWorthIt { changes: 2 });
    add(&world, &["c"]).await;
    assert_eq!(written(&world).await.generation, 1);
    add(&world, &["d", "e"]).await;
    let outcome = snapshot(&world).execute().await.unwrap();
    assert_eq!(outcome, Outcome::NotWorthIt { changes: 2 });
    add(&world, &["f"]).await;
    assert_eq!(written(&world).await.generation, 2);
    // But once a day one is.
    world.advance(STALE);
    let manifest = written(&world).await;
    assert_eq!((manifest.generation, manifest.users), (3, 6));
}

#[tokio::test]
async fn a_new_process_reads_the_snapshot_and_what_came_after() {
    let world = World::new();
    let names: Vec<_> = (0..300).map(|number| format!("u{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let users = add(&world, &names).await;
    written(&world).await;
    world.advance(Duration::from_hours(1));
    rename(&world, &users[7], "Zoe").await;
    erase(&world, &users[8]).await;
    add(&world, &["x"]).await;

    world.clear_trace();
    let directory = cold(&world);
    let listed = directory.list(&Listing::default()).await.unwrap();
    assert_eq!(listed.total, 300);
    let pages = |trace: &[&str]| trace.iter().filter(|call| **call == "feed.page").count();
    // Without the snapshot, eight pages at least.
    assert_eq!(pages(&world.trace()), 4);
    let everybody = everybody(&directory).await;
    assert!(everybody.starts_with('Z') && everybody.ends_with('x'));
}

#[tokio::test]
async fn what_has_not_changed_is_not_written_again_until_it_grows_old() {
    let world = World::new();
    add(&world, &["a", "b", "c"]).await;
    let first = written(&world).await;
    world.advance(STALE);
    let second = written(&world).await;
    assert_eq!(second.segments, first.segments);
    assert_eq!(second.retired, []);
    world.advance(SEGMENT_LIFE / 2);
    let third = written(&world).await;
    assert_eq!(third.retired, first.segments);
    let digests = |manifest: &Manifest| manifest.segments[0].name.digest;
    assert_eq!(digests(&third), digests(&first));
    assert_ne!(third.segments, first.segments);
}

#[tokio::test]
async fn old_segments_are_removed_once_nobody_can_be_reading_them() {
    let world = World::new();
    add(&world, &["a", "b", "c"]).await;
    let first = written(&world).await;
    add(&world, &["d", "e", "f"]).await;
    let second = written(&world).await;
    // Whoever began with the first can still go on.
    let loaded = Replica::load(&*world, &Newest::Readable(first.clone())).await;
    assert_eq!(loaded.unwrap().unwrap().columns().len(), 3);
    add(&world, &["g", "h", "i"]).await;
    let third = written(&world).await;
    let names = world.segments();
    let has = |manifest: &Manifest| {
        manifest
            .segments
            .iter()
            .all(|segment| names.contains(&segment.name))
    };
    assert!(!has(&first) && has(&second) && has(&third));
    assert_eq!(names.len(), 2);
}

/// Breaks the newest snapshot, asks, and lets the next run mend it.
async fn broken<Broken: Future<Output = ()>>(breaks: impl FnOnce(Arc<World>, Manifest) -> Broken) {
    let world = World::new();
    let users = add(&world, &["a", "b", "c", "d"]).await;
    let manifest = written(&world).await;
    erase(&world, &users[0]).await;
    breaks(world.clone(), manifest).await;
    let directory = cold(&world);
    assert_eq!(everybody(&directory).await, "bcd");
    world.clear_trace();
    assert_eq!(everybody(&directory).await, "bcd");
    assert!(!world.trace().contains(&"snapshots.segment"), "tried again");
    world.advance(STALE);
    assert_eq!(written(&world).await.generation, 2);
    world.clear_trace();
    assert_eq!(everybody(&cold(&world)).await, "bcd");
    assert!(world.trace().contains(&"snapshots.segment"));
}

#[tokio::test]
async fn a_segment_that_is_missing_makes_no_wrong_answer() {
    broken(async |world, manifest| {
        let name = manifest.segments[0].name;
        world.remove_segment(&name).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_segment_that_is_cut_off_or_damaged_makes_no_wrong_answer() {
    let damages: [fn(&mut Vec<u8>); 3] = [
        |octets| octets.truncate(octets.len() / 2),
        |octets| octets[20] ^= 1,
        Vec::clear,
    ];
    for damage in damages {
        broken(async |world, manifest| {
            let name = manifest.segments[0].name;
            let mut octets = world.segment(&name).await.unwrap().unwrap();
            damage(&mut octets);
            world.remove_segment(&name).await.unwrap();
            world.put_segment(&name, octets).await.unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn a_manifest_of_another_version_or_with_too_little_makes_no_wrong_answer() {
    let damages: [fn(&mut Manifest); 3] = [
        |manifest| manifest.format += 1,
        |manifest| manifest.segments.clear(),
        |manifest| manifest.users += 1,
    ];
    for damage in damages {
        broken(async |world, _| world.tamper_with_manifest(damage)).await;
    }
}

#[tokio::test]
async fn whatever_fails_and_wherever_it_stops_the_directory_is_right() {
    let tried = World::try_every_fault(async |fault| {
        let world = World::new();
        let users = add(&world, &["a", "b", "c"]).await;
        written(&world).await;
        erase(&world, &users[0]).await;
        add(&world, &["d", "e"]).await;
        written(&world).await;
        add(&world, &["f", "g", "h"]).await;
        // Removes what the first one left.
        let (_, fired) = world.with_fault(fault, snapshot(&world).execute()).await;
        assert_eq!(everybody(&cold(&world)).await, "bcdefgh", "{fault:?}");
        world.advance(STALE);
        written(&world).await;
        assert_eq!(everybody(&cold(&world)).await, "bcdefgh", "{fault:?}");
        let directory = cold(&world);
        let (_, asked) = world
            .with_fault(fault, directory.list(&Listing::default()))
            .await;
        // Whatever became of that question, the next is answered.
        assert_eq!(everybody(&directory).await, "bcdefgh", "{fault:?}");
        fired || asked
    })
    .await;
    assert!(tried > 4 * 10, "{tried}");
}

#[tokio::test]
async fn what_an_index_showed_too_late_is_found_by_the_next_snapshot() {
    let world = World::new();
    let users = add(&world, &["a", "b", "c"]).await;
    written(&world).await;
    let warm = cold(&world);
    assert_eq!(everybody(&warm).await, "abc");

    // The index lags by some minutes with one who came and one who goes.
    let late = add(&world, &["d"]).await;
    world.let_feed_lag([late[0].id, users[0].id]);
    erase(&world, &users[0]).await;
    world.advance(Duration::from_mins(5));
    assert_eq!(everybody(&warm).await, "abc");
    world.let_feed_lag([]);
    assert_eq!(
        everybody(&warm).await,
        "abc",
        "it is older than the overlap"
    );

    add(&world, &["e", "f"]).await;
    written(&world).await;
    eventually(async || everybody(&warm).await == "bcdef").await;
}

#[tokio::test]
async fn a_process_looks_for_a_newer_snapshot_once_a_minute_and_no_answer_waits_for_it() {
    let world = World::new();
    add(&world, &["a", "b", "c"]).await;
    written(&world).await;
    let warm = cold(&world);
    everybody(&warm).await;
    world.clear_trace();
    for _ in 0..3 {
        everybody(&warm).await;
    }
    assert_eq!(world.trace(), ["feed.page"; 12]);
    world.advance(Duration::from_mins(1));
    world.clear_trace();
    everybody(&warm).await;
    assert_eq!(world.trace(), ["feed.page"; 4], "the look has not begun");
    eventually(async || world.trace().contains(&"snapshots.newest")).await;
    // It is the one known.
    assert!(!world.trace().contains(&"snapshots.segment"));
}

#[tokio::test]
async fn an_erased_user_does_not_come_back_by_an_old_snapshot() {
    let world = World::new();
    let users = add(&world, &["a", "b", "c", "d"]).await;
    written(&world).await;
    erase(&world, &users[0]).await;
    world.advance(Duration::from_hours(2));
    erase(&world, &users[1]).await;
    world.advance(Duration::from_hours(2));
    let warm = cold(&world);
    assert_eq!(everybody(&warm).await, "cd");
    // Nor by a newer one that was written just after it went.
    erase(&world, &users[2]).await;
    written(&world).await;
    world.advance(Duration::from_mins(1));
    for _ in 0..20 {
        assert_eq!(everybody(&warm).await, "d");
        tokio::task::yield_now().await;
    }
    assert_eq!(everybody(&cold(&world)).await, "d");
}
