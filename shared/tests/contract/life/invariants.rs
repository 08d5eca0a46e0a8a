//! What is always true.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use shared::domain::{
    EventId, LoginKey, User, UserId, Version,
    history::{ChainStatus, Digest, StateStatus, verify_chain},
};

use super::{
    Roster, address_of,
    model::{ADDRESSES, Model, Person},
    name_of, password_of, roles_of,
};
use crate::ports::email;

/// What was true before, and must not cease.
#[derive(Default)]
pub(super) struct Seen {
    /// What each version of each user was.
    witness: RefCell<BTreeMap<(UserId, Version), Digest>>,
    /// Whether there was an administrator.
    admin: RefCell<bool>,
    commands: Cell<usize>,
}

impl Seen {
    /// Commands so far, this one included.
    pub(super) fn commands(&self) -> usize {
        self.commands.set(self.commands.get() + 1);
        self.commands.get()
    }
}

/// Holds all of it against what Roster says.
pub(super) async fn check(roster: &Roster, model: &Model) {
    assert_eq!(roster.ids.len(), model.people.len());
    let mut admins = 0;
    let mut events = BTreeMap::new();
    for (&id, person) in roster.ids.iter().zip(&model.people) {
        let user = roster.ports.users.find(id).await.unwrap();
        admins += usize::from(user.as_ref().is_some_and(User::is_active_admin));
        has_a_whole_history(roster, id, person, user.as_ref(), &mut events).await;
        assert_eq!(user.is_none(), person.erased);
        if let Some(user) = user {
            is_as_the_model_says(&user, person);
        }
    }
    each_address_has_one_owner(roster, model).await;
    assert_eq!(admins, model.admins());
    let had_admin = roster.seen.admin.replace_with(|had| *had || admins > 0);
    assert!(admins > 0 || !had_admin, "no administrator is left");
}

fn is_as_the_model_says(user: &User, person: &Person) {
    let own = email(&address_of(person.address));
    let pending = person.pending.map(|address| email(&address_of(address)));
    assert_eq!(user.email, own);
    assert_eq!(user.logins, [LoginKey::Email(own)]);
    assert_eq!(user.pending_email, pending);
    assert_eq!(user.email_verified, person.verified);
    assert_eq!(user.name, name_of(person.name));
    assert_eq!(user.roles, roles_of(&person.roles));
    assert_eq!(user.active, person.active);
    assert_eq!(user.auth_epoch, person.epoch);
    assert_eq!(user.version.get(), person.version());
    assert!(user.updated_at >= user.created_at);
}

/// One event for each version, in a chain that ends where the user is; and what was once read is
/// read again.
async fn has_a_whole_history(
    roster: &Roster,
    id: UserId,
    person: &Person,
    user: Option<&User>,
    events: &mut BTreeMap<EventId, UserId>,
) {
    let entries = roster.ports.users.history(id, None, usize::MAX).await;
    let entries = entries.unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| entry.event.kind).collect();
    assert_eq!(kinds, person.events);
    let witness = &roster.seen.witness;
    let stored = roster.ports.users.find_stored(id).await.unwrap();
    let chain = verify_chain(&entries, stored.as_ref(), |version| {
        witness.borrow().get(&(id, version)).copied()
    });
    assert_eq!((chain.status, chain.at), (ChainStatus::Ok, None));
    assert_eq!(chain.state, Some(StateStatus::Ok));
    for entry in &entries {
        let again = events.insert(entry.event.id, id);
        assert_eq!(again, None, "an event made two versions");
        let version = entry.event.version.unwrap();
        witness.borrow_mut().insert((id, version), entry.hash);
    }
    let end = entries.last().map(|entry| (entry.hash, entry.event.time));
    if let Some(user) = user {
        assert_eq!(end, Some((user.chain, user.updated_at)));
    }
}

/// And each user has one address: leases and users are one to one.
async fn each_address_has_one_owner(roster: &Roster, model: &Model) {
    for address in 0..ADDRESSES {
        let key = LoginKey::Email(email(&address_of(address)));
        let login = roster.ports.users.find_login(&key).await.unwrap();
        let owner = model.owner(address);
        assert_eq!(
            login.as_ref().map(|login| login.user_id),
            owner.map(|owner| roster.ids[owner])
        );
        if let (Some(login), Some(owner)) = (login, owner) {
            let password = model.people[owner].password.map(password_of);
            assert_eq!(login.password, password);
        }
    }
}
