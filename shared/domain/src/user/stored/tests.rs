use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::{
    EventId, LoginKey, Origin, PasswordHash, Role,
    event::EventMetadata,
    history::{ChainStatus, HistoryEntry, StateStatus, verify_chain},
    user::NewUser,
};

fn metadata(seconds: i64) -> EventMetadata {
    EventMetadata {
        event_id: EventId::new(Timestamp::from_seconds(seconds), [1; 10]),
        salt: format!("salt {seconds}"),
        now: Timestamp::from_seconds(seconds),
        origin: Origin::system("request-1"),
    }
}

/// A user of whom every field says something, with the history.
fn ann() -> (User, Vec<HistoryEntry>) {
    let new = NewUser {
        id: UserId::new(Timestamp::from_seconds(1), [1; 10]),
        email: "ann@example.com".parse().unwrap(),
        name: "Ann".parse().unwrap(),
        password: PasswordHash::from_phc("$hash"),
        roles: [Role::reader()].into(),
    };
    let created = User::create(new, &metadata(10)).stamp(Timestamp::from_seconds(10));
    let mut change = created
        .user
        .change_password(PasswordHash::from_phc("$other"), &metadata(20));
    change.after.pending_email = Some("ann@example.org".parse().unwrap());
    change.after.links_sent_at = vec![Timestamp::from_seconds(15)];
    change.after.unlinked = vec!["oidc#https://b.example.com#1".parse().unwrap()];
    change.after.recovering = true;
    let changed = change.stamp(Timestamp::from_seconds(20));
    (changed.user, vec![created.entry, changed.entry])
}

fn status(stored: Option<&Stored>, history: &[HistoryEntry]) -> StateStatus {
    let verdict = verify_chain(history, stored, |_| None);
    let state = verdict.state.unwrap();
    let is_fine = matches!(state, StateStatus::Ok | StateStatus::Unknown);
    let expected = if is_fine {
        (ChainStatus::Ok, None)
    } else {
        (ChainStatus::Broken, history.last().unwrap().event.version)
    };
    assert_eq!((verdict.status, verdict.at), expected);
    state
}

fn present(user: User) -> Stored {
    Stored::Present(Box::new(user))
}

#[test]
fn what_events_left_is_fine_and_an_older_item_is_not() {
    let (user, history) = ann();
    assert_eq!(
        status(Some(&present(user.clone())), &history),
        StateStatus::Ok
    );
    let before = status(Some(&present(user)), &history[..1]);
    assert_eq!(before, StateStatus::Changed);
    assert_eq!(status(None, &history), StateStatus::Missing);
}

/// Each attribute of the item, by the name it has in the table.
#[test]
fn each_changed_attribute_shows() {
    let (user, history) = ann();
    let other: LoginKey = "oidc#https://a.example.com#1".parse().unwrap();
    let forged = json!({
        "id": "00000000-03e8-7101-8101-010101010102",
        "email": "bob@example.com",
        "emailVerified": true,
        "pendingEmail": "bob@example.org",
        "name": "Bob",
        "roles": ["admin"],
        "active": false,
        "createdAt": "2026-11-24T16:32:33.120400Z",
        "updatedAt": "2026-11-24T16:32:33.120400Z",
        "version": 3,
        "standing": "settled",
        "authEpoch": 0,
        "recoveryEpoch": 0,
        "recoveryVoidedAt": "2026-11-24T16:32:33.120400Z",
        "passwordVersion": 1,
        "logins": ["email#ann@example.com", other],
        "linksSentAt": [],
        "unlinked": ["oidc#https://a.example.com#1"],
        "recovering": false,
        "chain": Digest::NONE,
    });
    let names =
        |item: &Value| -> BTreeSet<String> { item.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(
        names(&json!(user)),
        names(&forged),
        "an attribute is untried"
    );
    let optional = [
        "pendingEmail",
        "standing",
        "recoveryVoidedAt",
        "passwordVersion",
        "linksSentAt",
        "unlinked",
        "recovering",
    ];
    for (name, value) in forged.as_object().unwrap() {
        let mut item = json!(user);
        item[name] = value.clone();
        let stored = present(serde_json::from_value(item).unwrap());
        let state = status(Some(&stored), &history);
        assert_eq!(state, StateStatus::Changed, "{name} was changed");
        if optional.contains(&&**name) {
            let mut item = json!(user);
            item.as_object_mut().unwrap().remove(name);
            let stored = present(serde_json::from_value(item).unwrap());
            let state = status(Some(&stored), &history);
            assert_eq!(state, StateStatus::Changed, "{name} was removed");
        }
    }
}

#[test]
fn a_tombstone_is_verified_without_the_person() {
    let (user, mut history) = ann();
    let erased = user.erase(&metadata(30)).stamp(Timestamp::from_seconds(30));
    history.push(erased.entry);
    for entry in &mut history {
        entry.private = None;
    }
    let tombstone = Tombstone::of(&erased.user);
    let erased = |tombstone| Some(Stored::Erased(tombstone));
    let whole = erased(tombstone.clone());
    assert_eq!(status(whole.as_ref(), &history), StateStatus::Ok);

    let later = Timestamp::from_seconds(40);
    let forgeries: [fn(&mut Tombstone, Timestamp); 5] = [
        |tombstone, _| tombstone.id = UserId::new(Timestamp::from_seconds(1), [9; 10]),
        |tombstone, later| tombstone.created_at = later,
        |tombstone, later| tombstone.updated_at = later,
        |tombstone, _| tombstone.version = tombstone.version.next(),
        |tombstone, _| tombstone.chain = Digest::NONE,
    ];
    for (number, forge) in forgeries.into_iter().enumerate() {
        let mut forged = tombstone.clone();
        forge(&mut forged, later);
        let state = status(erased(forged).as_ref(), &history);
        assert_eq!(state, StateStatus::Changed, "forgery {number}");
    }
}

#[test]
fn a_tombstone_in_the_place_of_a_user_shows_and_so_does_the_user_after_erasure() {
    let (user, mut history) = ann();
    let tombstone = Stored::Erased(Tombstone::of(&user));
    assert_eq!(status(Some(&tombstone), &history), StateStatus::Changed);
    let erased = user.erase(&metadata(30)).stamp(Timestamp::from_seconds(30));
    history.push(erased.entry);
    let back = present(erased.user);
    assert_eq!(status(Some(&back), &history), StateStatus::Changed);
}

#[test]
fn a_history_of_before_is_of_version_0() {
    let (mut user, mut history) = ann();
    let last = history.pop().unwrap();
    let old = HistoryEntry::seal(last.event, last.previous, last.private.unwrap(), None);
    user.chain = old.hash;
    history.push(old);
    let state = status(Some(&present(user)), &history);
    assert_eq!(state, StateStatus::Unknown);
}

/// As the first release with digests wrote it: what is stored must verify for ever.
#[test]
fn digests_of_earlier_releases_verify() {
    let (user, history) = ann();
    let stored = Stored::Present(Box::new(user.clone()));
    let written = "1eebb50b22df15cd689aebb990906e5424921d93a8656b1ca8f6efd77a21657d";
    assert_eq!(stored.digest("salt 20").to_string(), written);
    assert_eq!(history[1].state, Some(stored.digest("salt 20")));
    let tombstone = Stored::Erased(Tombstone::of(&user));
    let written = "02908234d0a469973e9a88c9c3cafc8cc015a003677ac821915e308af36f356f";
    assert_eq!(tombstone.digest("").to_string(), written);
}

#[test]
fn the_digest_says_nothing_of_the_person_without_the_salt() {
    let stored = present(ann().0);
    assert_ne!(stored.digest("salt 20"), stored.digest("other"));
}
