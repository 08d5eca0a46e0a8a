//! Snapshots over the fakes, and the directories that begin with them.

use std::{future::Future, time::Duration};

use shared::{
    application::ports::UserRepository as _,
    directory::{
        ports::{Snapshots as _, UserDirectory as _},
        query::UserQuery,
        service::Directory,
    },
    domain::{Name, Origin, User},
};
use testing::FakeBackend;

use super::*;

const OVERLAP: Duration = Duration::from_mins(10);
const CHANGES: usize = 3;
const SECOND: Duration = Duration::from_secs(1);

fn snapshot(backend: &Arc<FakeBackend>) -> SnapshotDirectory {
    SnapshotDirectory {
        feed: backend.clone(),
        snapshots: backend.clone(),
        clock: backend.clone(),
        overlap: OVERLAP,
        changes: CHANGES,
    }
}

/// A process that has just started.
fn cold(backend: &Arc<FakeBackend>) -> Directory {
    let overlap = Duration::from_secs(30);
    Directory::new(backend.clone(), backend.clone(), overlap, backend.clone())
}

async fn add(backend: &Arc<FakeBackend>, names: &[&str]) -> Vec<User> {
    let mut users = Vec::new();
    for name in names {
        let address = format!("{name}@example.com");
        users.push(backend.add_user(&address).await);
        backend.advance(SECOND);
    }
    users
}

async fn erase(backend: &Arc<FakeBackend>, user: &User) {
    let erase = |user: &User, metadata: &_| Ok(user.erase(metadata));
    backend.change(user.id, erase).await;
    backend.advance(SECOND);
}

async fn rename(backend: &Arc<FakeBackend>, user: &User, name: &str) {
    let name = name.parse().unwrap();
    let rename = |user: &User, metadata: &_| Ok(user.rename(name, metadata).unwrap());
    backend.change(user.id, rename).await;
    backend.advance(SECOND);
}

/// The first letters of all addresses, or of names given later, in order.
async fn everybody(directory: &Directory) -> String {
    let query = UserQuery {
        limit: 100,
        sort: "-updatedAt".parse().unwrap(),
        ..UserQuery::default()
    };
    let page = directory.list(&query).await.unwrap();
    let initial = |user: &shared::domain::user::Profile| {
        let name = Some(user.name.as_str()).filter(|name| *name != "Ann Example");
        name.unwrap_or(user.email.as_str()).chars().next()
    };
    let mut initials: Vec<_> = page.users.iter().filter_map(initial).collect();
    initials.sort_unstable();
    initials.into_iter().collect()
}

async fn written(backend: &Arc<FakeBackend>) -> Manifest {
    let outcome = snapshot(backend).execute().await.unwrap();
    assert!(matches!(outcome, Outcome::Written { .. }), "{outcome:?}");
    newest(backend).await
}

async fn newest(backend: &Arc<FakeBackend>) -> Manifest {
    match backend.newest().await.unwrap() {
        Some(Newest::Readable(manifest)) => manifest,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_few_changes_are_not_worth_a_snapshot() {
    let backend = FakeBackend::new();
    add(&backend, &["a", "b"]).await;
    let outcome = snapshot(&backend).execute().await.unwrap();
    assert_eq!(outcome, Outcome::NotWorthIt { changes: 2 });
    add(&backend, &["c"]).await;
    assert_eq!(written(&backend).await.generation, 1);
    add(&backend, &["d", "e"]).await;
    let outcome = snapshot(&backend).execute().await.unwrap();
    assert_eq!(outcome, Outcome::NotWorthIt { changes: 2 });
    add(&backend, &["f"]).await;
    assert_eq!(written(&backend).await.generation, 2);
    // But once a day one is.
    backend.advance(STALE);
    let manifest = written(&backend).await;
    assert_eq!((manifest.generation, manifest.users), (3, 6));
}

#[tokio::test]
async fn a_new_process_reads_the_snapshot_and_what_came_after() {
    let backend = FakeBackend::new();
    let names: Vec<_> = (0..300).map(|number| format!("u{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let users = add(&backend, &names).await;
    written(&backend).await;
    backend.advance(Duration::from_hours(1));
    rename(&backend, &users[7], "Zoe").await;
    erase(&backend, &users[8]).await;
    add(&backend, &["x"]).await;

    backend.clear_trace();
    let directory = cold(&backend);
    let page = directory.list(&UserQuery::default()).await.unwrap();
    assert_eq!(page.total, 300);
    let pages = |trace: &[&str]| trace.iter().filter(|call| **call == "feed.page").count();
    // Without the snapshot, eight pages at least.
    assert_eq!(pages(&backend.trace()), 4);
    let everybody = everybody(&directory).await;
    assert!(everybody.starts_with('Z') && everybody.ends_with('x'));
}

#[tokio::test]
async fn what_has_not_changed_is_not_written_again_until_it_grows_old() {
    let backend = FakeBackend::new();
    add(&backend, &["a", "b", "c"]).await;
    let first = written(&backend).await;
    backend.advance(STALE);
    let second = written(&backend).await;
    assert_eq!(second.segments, first.segments);
    assert_eq!(second.retired, []);
    backend.advance(SEGMENT_LIFE / 2);
    let third = written(&backend).await;
    assert_eq!(third.retired, first.segments);
    let digests = |manifest: &Manifest| manifest.segments[0].name.digest;
    assert_eq!(digests(&third), digests(&first));
    assert_ne!(third.segments, first.segments);
}

#[tokio::test]
async fn old_segments_are_removed_once_nobody_can_be_reading_them() {
    let backend = FakeBackend::new();
    add(&backend, &["a", "b", "c"]).await;
    let first = written(&backend).await;
    add(&backend, &["d", "e", "f"]).await;
    let second = written(&backend).await;
    // A process that began with the first can still go on.
    let loaded = Replica::load(&*backend, &Newest::Readable(first.clone())).await;
    assert_eq!(loaded.unwrap().unwrap().columns().len(), 3);
    add(&backend, &["g", "h", "i"]).await;
    let third = written(&backend).await;
    let names = backend.segments();
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
async fn broken<Broken: Future<Output = ()>>(
    breaks: impl FnOnce(Arc<FakeBackend>, Manifest) -> Broken,
) {
    let backend = FakeBackend::new();
    let users = add(&backend, &["a", "b", "c", "d"]).await;
    let manifest = written(&backend).await;
    erase(&backend, &users[0]).await;
    breaks(backend.clone(), manifest).await;
    let directory = cold(&backend);
    assert_eq!(everybody(&directory).await, "bcd");
    backend.clear_trace();
    assert_eq!(everybody(&directory).await, "bcd");
    assert!(
        !backend.trace().contains(&"snapshots.segment"),
        "tried again"
    );
    backend.advance(STALE);
    assert_eq!(written(&backend).await.generation, 2);
    backend.clear_trace();
    assert_eq!(everybody(&cold(&backend)).await, "bcd");
    assert!(backend.trace().contains(&"snapshots.segment"));
}

#[tokio::test]
async fn a_segment_that_is_missing_makes_no_wrong_answer() {
    broken(async |backend, manifest| {
        let name = manifest.segments[0].name;
        backend.remove_segment(&name).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_segment_that_is_cut_off_or_damaged_makes_no_wrong_answer() {
    let damages: [fn(&mut Vec<u8>); 3] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes[20] ^= 1,
        Vec::clear,
    ];
    for damage in damages {
        broken(async |backend, manifest| {
            let name = manifest.segments[0].name;
            let mut bytes = backend.segment(&name).await.unwrap().unwrap();
            damage(&mut bytes);
            backend.remove_segment(&name).await.unwrap();
            backend.put_segment(&name, bytes).await.unwrap();
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
        broken(async |backend, _| backend.tamper_with_manifest(damage)).await;
    }
}

#[tokio::test]
async fn a_stored_name_that_is_refused_today_stops_no_snapshot_and_no_list() {
    let backend = FakeBackend::new();
    let users = add(&backend, &["a", "b", "c"]).await;
    let origin = Origin::system("test");
    let metadata = backend.env().metadata(origin).unwrap();
    let name = Name::stored("x\u{202e}y".to_owned());
    let change = users[0].rename(name.clone(), &metadata).unwrap();
    backend.commit(&change).await.unwrap();
    written(&backend).await;
    backend.clear_trace();
    let page = cold(&backend).list(&UserQuery::default()).await.unwrap();
    assert!(backend.trace().contains(&"snapshots.segment"));
    assert_eq!(page.total, 3);
    assert!(page.users.iter().any(|user| user.name == name));
}

#[tokio::test]
async fn the_directory_survives_every_fault() {
    let tried = FakeBackend::try_every_fault(async |fault| {
        let backend = FakeBackend::new();
        let users = add(&backend, &["a", "b", "c"]).await;
        written(&backend).await;
        erase(&backend, &users[0]).await;
        add(&backend, &["d", "e"]).await;
        written(&backend).await;
        add(&backend, &["f", "g", "h"]).await;
        // Removes what the first one left.
        let (_, fired) = backend
            .with_fault(fault, snapshot(&backend).execute())
            .await;
        assert_eq!(everybody(&cold(&backend)).await, "bcdefgh", "{fault:?}");
        backend.advance(STALE);
        written(&backend).await;
        assert_eq!(everybody(&cold(&backend)).await, "bcdefgh", "{fault:?}");
        let directory = cold(&backend);
        let (_, asked) = backend
            .with_fault(fault, directory.list(&UserQuery::default()))
            .await;
        // Whatever happened to that request, the next one is answered.
        assert_eq!(everybody(&directory).await, "bcdefgh", "{fault:?}");
        fired || asked
    })
    .await;
    assert!(tried > 4 * 10, "{tried}");
}

#[tokio::test]
async fn what_an_index_showed_too_late_is_found_by_the_next_snapshot() {
    let backend = FakeBackend::new();
    let users = add(&backend, &["a", "b", "c"]).await;
    written(&backend).await;
    let warm = cold(&backend);
    assert_eq!(everybody(&warm).await, "abc");

    // The index lags by some minutes with one who came and one who goes.
    let late = add(&backend, &["d"]).await;
    backend.let_feed_lag([late[0].id, users[0].id]);
    erase(&backend, &users[0]).await;
    backend.advance(Duration::from_mins(5));
    assert_eq!(everybody(&warm).await, "abc");
    backend.let_feed_lag([]);
    assert_eq!(
        everybody(&warm).await,
        "abc",
        "it is older than the overlap"
    );

    add(&backend, &["e", "f"]).await;
    written(&backend).await;
    backend.advance(Duration::from_mins(1));
    assert_eq!(everybody(&warm).await, "bcdef");
}

#[tokio::test]
async fn a_process_looks_for_a_newer_snapshot_once_a_minute_and_loads_each_once() {
    let backend = FakeBackend::new();
    add(&backend, &["a", "b", "c"]).await;
    written(&backend).await;
    let warm = cold(&backend);
    everybody(&warm).await;
    backend.clear_trace();
    for _ in 0..3 {
        everybody(&warm).await;
    }
    assert_eq!(backend.trace(), ["feed.page"; 12]);
    backend.advance(Duration::from_mins(1));
    backend.clear_trace();
    everybody(&warm).await;
    // It is the one known.
    let pages = ["feed.page"; 4].as_slice();
    assert_eq!(backend.trace(), [&["snapshots.newest"], pages].concat());
    add(&backend, &["d", "e", "f"]).await;
    written(&backend).await;
    backend.advance(Duration::from_mins(1));
    backend.clear_trace();
    assert_eq!(everybody(&warm).await, "abcdef");
    // Caught up when it is loaded, and as always before an answer.
    let loaded = ["snapshots.newest", "snapshots.segment"].as_slice();
    assert_eq!(backend.trace(), [loaded, pages, pages].concat());
    backend.clear_trace();
    everybody(&warm).await;
    assert_eq!(backend.trace(), pages);
}

#[tokio::test]
async fn an_erased_user_does_not_come_back_by_an_old_snapshot() {
    let backend = FakeBackend::new();
    let users = add(&backend, &["a", "b", "c", "d"]).await;
    written(&backend).await;
    erase(&backend, &users[0]).await;
    backend.advance(Duration::from_hours(2));
    erase(&backend, &users[1]).await;
    backend.advance(Duration::from_hours(2));
    let warm = cold(&backend);
    assert_eq!(everybody(&warm).await, "cd");
    // Nor by a newer one that was written just after it went.
    erase(&backend, &users[2]).await;
    written(&backend).await;
    backend.advance(Duration::from_mins(1));
    assert_eq!(everybody(&warm).await, "d");
    assert_eq!(everybody(&cold(&backend)).await, "d");
}
