use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::{
    Actor, DomainEvent, EventId, EventKind, Timestamp, UserId,
    event::{EndReason, EventData, RolesChange},
    history::Private,
};

type Witnesses = BTreeMap<Version, Digest>;

fn user(number: u8) -> UserId {
    UserId::new(Timestamp::from_seconds(1), [number; 10])
}

fn event(version: u64) -> DomainEvent {
    DomainEvent {
        id: EventId::new(Timestamp::from_seconds(1), [1; 10]),
        kind: EventKind::UserUpdated,
        time: Timestamp::from_seconds(2),
        user_id: Some(user(1)),
        version: Some(version.into()),
        actor: Actor::Anonymous,
        traceparent: None,
        data: EventData::changed(&["name"]),
    }
}

fn private(version: u64) -> Private {
    Private {
        salt: "salt".to_owned(),
        source_address: None,
        request_id: format!("request-{version}"),
        old_email: None,
        new_email: None,
    }
}

/// Seals the events anew, as an attacker would who can write the table and knows this code.
fn sealed(events: impl IntoIterator<Item = DomainEvent>) -> Vec<HistoryEntry> {
    let mut previous = Digest::NONE;
    let entries = events.into_iter().zip(1..).map(|(event, version)| {
        let entry = HistoryEntry::seal(event, previous, private(version), None);
        previous = entry.hash;
        entry
    });
    entries.collect()
}

fn history() -> (Vec<HistoryEntry>, Witnesses) {
    let entries = sealed((1..=4).map(event));
    let hashes = entries.iter().map(|entry| entry.hash);
    let witnesses = (1..).map(Version::from).zip(hashes).collect();
    (entries, witnesses)
}

/// The item as the last entry left it.
struct Item(HistoryEntry);

impl State for Item {
    fn version(&self) -> Version {
        self.0.event.version.unwrap()
    }

    fn chain(&self) -> Digest {
        self.0.hash
    }

    fn is_erased(&self) -> bool {
        self.0.event.kind == EventKind::UserDeleted
    }

    fn digest(&self, _: &str) -> Digest {
        Digest::NONE
    }
}

fn stored(entries: &[HistoryEntry]) -> Option<Item> {
    entries.last().cloned().map(Item)
}

fn verify(entries: &[HistoryEntry], witnesses: &Witnesses) -> Option<u64> {
    let stored = stored(entries);
    let witnesses = |version| witnesses.get(&version).copied();
    let chain = verify_chain(entries, stored.as_ref(), witnesses);
    assert_eq!(chain.status == ChainStatus::Broken, chain.at.is_some());
    chain.at.map(Version::get)
}

#[test]
fn what_was_written_is_whole_also_without_witness() {
    let (entries, witnesses) = history();
    assert_eq!(verify(&entries, &witnesses), None);
    assert_eq!(verify(&entries, &Witnesses::new()), None);
    assert_eq!(verify(&[], &Witnesses::new()), None);
}

#[test]
fn the_private_part_is_missing_beside_a_tombstone_only() {
    for version in 1..=4 {
        let (mut entries, witnesses) = history();
        entries[version - 1].private = None;
        assert_eq!(verify(&entries, &witnesses), Some(version as u64));
    }
    let mut events: Vec<_> = (1..=4).map(event).collect();
    events[3].kind = EventKind::UserDeleted;
    let mut entries = sealed(events);
    for entry in &mut entries {
        entry.private = None;
    }
    assert_eq!(verify(&entries, &Witnesses::new()), None);
    let nobody = verify_chain(&entries, None::<&Item>, |_| None);
    assert_eq!(nobody.status, ChainStatus::Broken);
}

#[test]
fn a_changed_field_shows() {
    let roles = || RolesChange {
        before: crate::Roles::new(),
        after: [crate::Role::admin()].into(),
    };
    let changes: [&dyn Fn(&mut HistoryEntry); 13] = [
        &|entry| entry.event.kind = EventKind::UserReactivated,
        &|entry| entry.event.actor = Actor::User(user(9)),
        &|entry| entry.event.actor = Actor::ApiKey(user(1).as_uuid().into()),
        &|entry| entry.event.data.api_key_id = Some(user(1).as_uuid().into()),
        &|entry| entry.event.time = Timestamp::from_seconds(3),
        &|entry| entry.event.data.changed.clear(),
        &|entry| entry.event.data.reason = Some(EndReason::SignedOut),
        &|entry| entry.hash = Digest::NONE,
        &|entry| entry.private_digest = Digest::NONE,
        &|entry| entry.private = Some(private(9)),
        &|entry| entry.event.data.roles = Some(roles()),
        &|entry| entry.event.data.digest = Some(Digest::NONE),
        &|entry| entry.state = Some(Digest::NONE),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let (mut entries, _) = history();
        change(&mut entries[2]);
        let at = verify(&entries, &Witnesses::new());
        assert_eq!(at, Some(3), "change {number}");
    }
}

/// The hash of an entry as the first release wrote it: what is stored must verify for ever.
#[test]
fn entries_of_earlier_releases_verify() {
    let entry = HistoryEntry::seal(event(1), Digest::NONE, private(1), None);
    let written = "3a3259c9761e47a5f3a7e50794d37cf5e8f4b2c06a8253fdddd47f0a64251e1b";
    assert_eq!(entry.hash.to_string(), written);
}

#[test]
fn a_removed_entry_shows() {
    for removed in 1..=4 {
        let (mut entries, witnesses) = history();
        entries.remove(removed - 1);
        assert_eq!(verify(&entries, &witnesses), Some(removed as u64));
    }
    let (_, witnesses) = history();
    assert_eq!(verify(&[], &witnesses), Some(1));
}

#[test]
fn entries_in_another_order_or_of_another_user_show() {
    let (mut entries, witnesses) = history();
    entries.swap(1, 2);
    assert_eq!(verify(&entries, &witnesses), Some(2));
    let mut spliced: Vec<_> = (1..=4).map(event).collect();
    spliced[2].user_id = Some(user(2));
    assert_eq!(verify(&sealed(spliced), &Witnesses::new()), Some(3));
    let mut skipped: Vec<_> = (1..=4).map(event).collect();
    skipped[2].version = Some(4.into());
    assert_eq!(verify(&sealed(skipped), &Witnesses::new()), Some(3));
    // The end of one history behind the beginning of another.
    let mut other: Vec<_> = (1..=4).map(event).collect();
    other[0].kind = EventKind::UserCreated;
    let joined = [&history().0[..2], &sealed(other)[2..]].concat();
    assert_eq!(verify(&joined, &Witnesses::new()), Some(3));
}

#[test]
fn a_forgery_with_hashes_made_anew_is_caught_by_the_witness_alone() {
    let (_, witnesses) = history();
    let mut forged: Vec<_> = (1..=4).map(event).collect();
    forged[1].actor = Actor::User(user(9));
    let forged = sealed(forged);
    assert_eq!(verify(&forged, &Witnesses::new()), None);
    assert_eq!(verify(&forged, &witnesses), Some(2));
    // A version closed up after one was removed.
    assert_eq!(verify(&sealed((1..=3).map(event)), &witnesses), Some(4));
}

#[test]
fn a_verdict_reads_well() {
    let (entries, _) = history();
    let verdict = |entries| verify_chain(entries, stored(entries).as_ref(), |_| None);
    assert_eq!(
        json!(verdict(&entries)),
        json!({"status": "ok", "state": "unknown"})
    );
    let broken = verdict(&entries[1..]);
    assert_eq!(json!(broken), json!({"status": "broken", "at": 1}));
}
