//! What stays of a user: the history, readable for ever, and after erasure without the person.

use shared::domain::{
    EventKind, User, UserId, Version,
    history::{ChainStatus, HistoryEntry, StateStatus, verify_chain},
};

use crate::{
    contract,
    ports::{Ports, email},
};

contract!(
    a_history_is_read_in_order_and_in_parts,
    a_history_of_many_versions_is_read_whole,
    an_erased_user_leaves_a_history,
    what_is_private_is_forgotten_and_the_chain_stays,
    a_long_history_is_forgotten_whole,
);

/// Ann, whose name changed so many times.
async fn renamed(ports: &Ports, times: u32) -> User {
    let mut ann = ports.created("ann@example.com", &[]).await;
    for number in 0..times {
        let name = format!("Ann {number}").parse().unwrap();
        let change = ann.rename(name, &ports.metadata()).unwrap();
        ann = ports.users.commit(&change).await.unwrap();
    }
    ann
}

async fn history(ports: &Ports, id: UserId) -> Vec<HistoryEntry> {
    ports.users.history(id, None, usize::MAX).await.unwrap()
}

/// Which versions the entries made.
fn versions(entries: &[HistoryEntry]) -> Vec<u64> {
    let version = |entry: &HistoryEntry| entry.event.version.map(Version::get);
    entries.iter().filter_map(version).collect()
}

async fn is_whole(ports: &Ports, id: UserId, entries: &[HistoryEntry]) -> bool {
    let stored = ports.users.find_stored(id).await.unwrap();
    let chain = verify_chain(entries, stored.as_ref(), |_| None);
    (chain.status, chain.state) == (ChainStatus::Ok, Some(StateStatus::Ok))
}

async fn a_history_is_read_in_order_and_in_parts(ports: Ports) {
    let ann = renamed(&ports, 11).await;
    ports.created("bob@example.com", &[]).await;

    let whole = history(&ports, ann.id).await;
    assert_eq!(versions(&whole), (1..=12).collect::<Vec<_>>());
    assert!(is_whole(&ports, ann.id, &whole).await);
    assert_eq!(whole.last().unwrap().hash, ann.chain);

    for (after, limit, expected) in [
        (None, 1, vec![1]),
        (None, 0, vec![]),
        (Some(1), 3, vec![2, 3, 4]),
        (Some(8), 4, vec![9, 10, 11, 12]),
        (Some(10), 100, vec![11, 12]),
        (Some(12), 5, vec![]),
        (Some(400), 5, vec![]),
    ] {
        let after = after.map(Version::from);
        let part = ports.users.history(ann.id, after, limit).await.unwrap();
        assert_eq!(versions(&part), expected, "{after:?} {limit}");
    }
    assert_eq!(history(&ports, ports.user_id()).await, []);
}

/// Entries of 30 KB: more than the megabyte that one query reads.
async fn long_lived(ports: &Ports) -> User {
    let mut ann = ports.created("ann@example.com", &[]).await;
    for number in 0..40 {
        let mut metadata = ports.metadata();
        metadata.origin.request_id = "x".repeat(30_000);
        let name = format!("Ann {number}").parse().unwrap();
        let change = ann.rename(name, &metadata).unwrap();
        ann = ports.users.commit(&change).await.unwrap();
    }
    ann
}

async fn a_history_of_many_versions_is_read_whole(ports: Ports) {
    let ann = long_lived(&ports).await;
    let whole = history(&ports, ann.id).await;
    assert_eq!(versions(&whole), (1..=41).collect::<Vec<_>>());
    assert!(is_whole(&ports, ann.id, &whole).await);
    let part = ports.users.history(ann.id, None, 39).await.unwrap();
    assert_eq!(part.len(), 39);
}

async fn an_erased_user_leaves_a_history(ports: Ports) {
    let ann = renamed(&ports, 2).await;
    let erased = ports.users.commit(&ann.erase(&ports.metadata())).await;
    let erased = erased.unwrap();

    assert_eq!(ports.users.find(ann.id).await.unwrap(), None);
    assert_eq!(ports.owner("ann@example.com").await, None);
    let entries = history(&ports, ann.id).await;
    assert_eq!(versions(&entries), [1, 2, 3, 4]);
    assert_eq!(entries[3].event.kind, EventKind::UserDeleted);
    assert_eq!(entries[3].hash, erased.chain);

    // The address is free, for another user with another history.
    let next = ports.created("ann@example.com", &[]).await;
    assert_eq!(ports.owner("ann@example.com").await, Some(next.id));
    assert_eq!(versions(&history(&ports, next.id).await), [1]);
    assert_eq!(history(&ports, ann.id).await, entries);
}

async fn what_is_private_is_forgotten_and_the_chain_stays(ports: Ports) {
    let ann = ports.created("ann@example.com", &[]).await;
    let bob = ports.created("bob@example.com", &[]).await;
    let request = ann.request_email(email("ann@example.org"), &ports.metadata());
    let ann = ports.users.commit(&request.unwrap()).await.unwrap();
    let ann = ports.users.commit(&ann.erase(&ports.metadata())).await;
    let ann = ann.unwrap();
    let before = history(&ports, ann.id).await;
    assert!(before.iter().all(|entry| entry.private.is_some()));

    for _ in 0..2 {
        ports.users.forget_private(ann.id).await.unwrap();
    }

    let after = history(&ports, ann.id).await;
    let public = |entry: &HistoryEntry| HistoryEntry {
        private: None,
        ..entry.clone()
    };
    assert_eq!(after, before.iter().map(public).collect::<Vec<_>>());
    let witness = |version: Version| {
        let entry = before.get(usize::try_from(version.get()).unwrap() - 1);
        entry.map(|entry| entry.hash)
    };
    let stored = ports.users.find_stored(ann.id).await.unwrap();
    let chain = verify_chain(&after, stored.as_ref(), witness);
    assert_eq!(chain.status, ChainStatus::Ok);
    assert!(history(&ports, bob.id).await[0].private.is_some());
    assert_eq!(ports.users.find(bob.id).await.unwrap(), Some(bob));
    // Of whom there is nothing, nothing is made.
    let nobody = ports.user_id();
    ports.users.forget_private(nobody).await.unwrap();
    assert_eq!(history(&ports, nobody).await, []);
}

async fn a_long_history_is_forgotten_whole(ports: Ports) {
    let ann = long_lived(&ports).await;
    ports.users.forget_private(ann.id).await.unwrap();
    let entries = history(&ports, ann.id).await;
    assert_eq!(entries.len(), 41);
    assert!(
        !is_whole(&ports, ann.id, &entries).await,
        "she is not erased"
    );
    ports
        .users
        .commit(&ann.erase(&ports.metadata()))
        .await
        .unwrap();
    let entries = history(&ports, ann.id).await;
    assert!(is_whole(&ports, ann.id, &entries).await);
    ports.users.forget_private(ann.id).await.unwrap();
    let entries = history(&ports, ann.id).await;
    assert!(is_whole(&ports, ann.id, &entries).await);
    assert!(entries.iter().all(|entry| entry.private.is_none()));
}
