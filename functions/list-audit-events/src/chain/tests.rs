use std::sync::Arc;

use shared::{
    application::ports::UserRepository as _,
    domain::{
        Actor, EventId, EventKind, SessionId, Timestamp, Version,
        audit::AuditEntry,
        history::{Digest, Private},
    },
};
use testing::FakeBackend;

use super::*;
use crate::handler::tests::backend_with_ann;

type Verdict = (ChainStatus, Option<u64>);

async fn verdict(backend: &Arc<FakeBackend>, user: UserId) -> Option<Verdict> {
    let trail = Trail::read(&**backend, user).await.unwrap();
    let verified = verify(&**backend, &**backend, &trail, user).await;
    let chain = verified.unwrap().0?;
    Some((chain.status, chain.at.map(Version::get)))
}

fn broken(at: u64) -> Verdict {
    (ChainStatus::Broken, Some(at))
}

/// Seals the history anew from `version` on, as someone can who may write to the table of users.
async fn forge(backend: &Arc<FakeBackend>, user: UserId, version: u64) {
    let entries = backend.history(user, None, 10_000).await.unwrap();
    let mut previous = None;
    for entry in entries {
        let number = entry.event.version.unwrap();
        if number >= version.into() {
            let mut event = entry.event;
            if number == version.into() {
                event.actor = Actor::Anonymous;
            }
            let private: Private = entry.private.unwrap();
            let previous_hash = previous.unwrap_or(entry.previous);
            let forged = HistoryEntry::seal(event, previous_hash, private, entry.state);
            previous = Some(forged.hash);
            backend.tamper_with_history(user, number, |entry| *entry = forged);
        }
    }
}

/// Lines of sign-ins, newer than everything.
async fn sign_in_often(backend: &Arc<FakeBackend>, user: UserId, times: i64) {
    for number in 0..times {
        let time = Timestamp::from_seconds(2_000_000_000 + number);
        let line = AuditEntry {
            api_key_id: None,
            roles: None,
            service: None,
            event_id: EventId::new(time, [1; 10]),
            kind: EventKind::SessionStarted,
            time,
            user_id: Some(user),
            version: None,
            session_id: Some(SessionId::new(time, [1; 10])),
            actor: Actor::Anonymous,
            hash: None,
        };
        backend.record(&line).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_written_is_whole_and_who_never_was_has_none() {
    let (backend, ann) = backend_with_ann(3).await;
    assert_eq!(verdict(&backend, ann).await, Some((ChainStatus::Ok, None)));
    let nobody = UserId::new(Timestamp::from_seconds(1), [9; 10]);
    assert_eq!(verdict(&backend, nobody).await, None);
}

#[tokio::test]
async fn a_removed_entry_shows_wherever_it_was() {
    for version in 1..=4 {
        let (backend, ann) = backend_with_ann(3).await;
        backend.remove_from_history(ann, version.into());
        assert_eq!(verdict(&backend, ann).await, Some(broken(version)));
    }
    let (backend, ann) = backend_with_ann(3).await;
    (1..=4).for_each(|version: u64| backend.remove_from_history(ann, version.into()));
    assert_eq!(verdict(&backend, ann).await, Some(broken(1)));
}

#[tokio::test]
async fn a_forgery_is_caught_by_the_trail() {
    let (backend, ann) = backend_with_ann(3).await;
    forge(&backend, ann, 2).await;
    assert_eq!(verdict(&backend, ann).await, Some(broken(2)));
}

#[tokio::test]
async fn a_changed_or_contradicting_line_of_the_trail_shows() {
    let (backend, ann) = backend_with_ann(3).await;
    let line = backend.audit()[1].clone();
    backend.tamper_with_audit(line.event_id, |line| line.kind = EventKind::UserReactivated);
    assert_eq!(verdict(&backend, ann).await, Some(broken(2)));

    let (backend, ann) = backend_with_ann(3).await;
    let line = backend.audit()[2].clone();
    let second = AuditEntry {
        event_id: EventId::new(line.time, [9; 10]),
        ..line
    };
    backend.record(&second).await.unwrap();
    assert_eq!(verdict(&backend, ann).await, Some(broken(3)));
}

/// Whoever signs in so often pushes the versions out of what is read; the last is looked up.
#[tokio::test]
async fn the_last_entry_has_its_witness_behind_however_many_sign_ins() {
    let (backend, ann) = backend_with_ann(3).await;
    sign_in_often(&backend, ann, 6_000).await;
    backend.clear_trace();
    assert_eq!(verdict(&backend, ann).await, Some((ChainStatus::Ok, None)));
    let calls = backend.trace();
    assert_eq!(
        calls.iter().filter(|call| **call == "audit.list").count(),
        6
    );
    // The trail read proves the whole; where it broke, it can no longer say.
    forge(&backend, ann, 2).await;
    assert_eq!(verdict(&backend, ann).await, Some(broken(4)));
}

#[tokio::test]
async fn a_very_long_history_is_checked_from_the_beginning() {
    let (backend, ann) = backend_with_ann(MAX_ENTRIES).await;
    backend.clear_trace();
    let partial = Some((ChainStatus::Partial, Some(5_001)));
    assert_eq!(verdict(&backend, ann).await, partial);
    let calls = backend.trace();
    let count = |name| calls.iter().filter(|call| **call == name).count();
    assert_eq!((count("users.history"), count("audit.list")), (5, 5));
    assert_eq!(count("users.find_stored"), 1);
    backend.tamper_with_history(ann, 4_321.into(), |entry| entry.hash = Digest::NONE);
    assert_eq!(verdict(&backend, ann).await, Some(broken(4_321)));
}

/// An item of before, with all that it had, in the place of the present one.
#[tokio::test]
async fn an_older_item_put_back_shows() {
    let (backend, ann) = backend_with_ann(1).await;
    let before = backend.user(ann).unwrap();
    let metadata = backend
        .env()
        .metadata(shared::domain::Origin::system("rename"));
    let change = before.rename("Zoe".parse().unwrap(), &metadata.unwrap());
    backend.commit(&change.unwrap()).await.unwrap();
    assert_eq!(verdict(&backend, ann).await, Some((ChainStatus::Ok, None)));
    backend.tamper(ann, |user| *user = before);
    assert_eq!(verdict(&backend, ann).await, Some(broken(3)));
    // And one of a version that never was.
    backend.tamper(ann, |user| user.version = 1_000_000.into());
    assert_eq!(verdict(&backend, ann).await, Some(broken(3)));
}

#[tokio::test]
async fn a_user_without_a_history_shows() {
    let (backend, ann) = backend_with_ann(1).await;
    (1..=2).for_each(|version: u64| backend.remove_from_history(ann, version.into()));
    for line in backend.audit() {
        backend.remove_from_audit(line.event_id);
    }
    assert_eq!(verdict(&backend, ann).await, Some(broken(1)));
}
