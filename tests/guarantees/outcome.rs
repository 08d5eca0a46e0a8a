//! What is true once everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use shared::domain::{EventId, EventKind, Version, mail::MailGuarantee, user::Standing};
use testing::{Fault, TestRequest};

use crate::world::World;

/// What became of everybody, without ids and times.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    /// In the order in which they came.
    people: Vec<(Option<Account>, Vec<EventKind>)>,
    /// Mails by address and subject.
    mails: BTreeMap<(String, String), usize>,
}

#[derive(Debug, PartialEq)]
struct Account {
    email: String,
    name: String,
    roles: Vec<String>,
    active: bool,
    standing: Standing,
    logins: usize,
}

impl Outcome {
    pub(crate) fn of(world: &World<'_>) -> Self {
        let backend = &world.backend;
        let people = backend.everybody().into_iter().map(|id| {
            let account = backend.user(id).map(|user| Account {
                email: user.email.as_str().to_owned(),
                name: user.name.as_str().to_owned(),
                roles: user.roles.iter().map(ToString::to_string).collect(),
                active: user.active,
                standing: user.standing,
                logins: user.logins.len(),
            });
            let history = backend.history_of(id).into_iter();
            let mut kinds: Vec<EventKind> = history.map(|entry| entry.event.kind).collect();
            // The one wish that may be repeated: it voids the link of the one before.
            kinds.dedup_by(|a, b| a == b && *a == EventKind::UserEmailChangeRequested);
            (account, kinds)
        });
        let mut mails = BTreeMap::new();
        for mail in backend.inbox() {
            let key = (mail.to.as_str().to_owned(), mail.subject);
            *mails.entry(key).or_default() += 1;
        }
        Self {
            people: people.collect(),
            mails,
        }
    }

    /// Everything that was to happen happened, as in the life without a fault: to the same people the
    /// same, and no mail is missing.
    pub(crate) fn assert_same(&self, undisturbed: &Self, may_lose: bool) {
        assert_eq!(self.people, undisturbed.people);
        for (mail, count) in &undisturbed.mails {
            let sent = self.mails.get(mail).copied().unwrap_or_default();
            assert!(sent >= *count || may_lose, "{mail:?}: {sent} of {count}");
        }
    }
}

/// Asserts the guarantees of a deployment at rest, in which `fault` happened at a call of the name `at`.
pub(crate) async fn assert_guarantees(world: &World<'_>, fault: Option<(Fault, &'static str)>) {
    events_are_published_once_accepted(world);
    histories_have_no_gaps(world);
    claims_are_of_users(world);
    erased_users_are_forgotten(world);
    services_are_told(world);
    mails_are_sent_once(world, fault);
    trail_is_whole(world).await;
}

/// Every event that was written with what it tells of is on the bus, and no other.
fn events_are_published_once_accepted(world: &World<'_>) {
    let ids = |events: Vec<shared::domain::DomainEvent>| -> BTreeSet<EventId> {
        events.iter().map(|event| event.id).collect()
    };
    let backend = &world.backend;
    let (written, published) = (ids(backend.outbox()), ids(backend.published()));
    assert_eq!(written, published, "written and published");
    for id in backend.everybody() {
        let history = backend.history_of(id).into_iter();
        let events: BTreeSet<EventId> = history.map(|entry| entry.event.id).collect();
        assert!(events.is_subset(&published), "the history of {id}");
    }
    let told: BTreeSet<EventId> = backend.audit().iter().map(|line| line.event_id).collect();
    assert_eq!(
        backend.audit().len(),
        told.len(),
        "a line twice in the trail"
    );
    assert_eq!(told, published, "the trail");
}

fn histories_have_no_gaps(world: &World<'_>) {
    for id in world.backend.everybody() {
        let mut expected = Version::FIRST;
        for entry in world.backend.history_of(id) {
            assert_eq!(entry.event.version, Some(expected), "{id}");
            expected = expected.next();
        }
        if let Some(user) = world.backend.user(id) {
            assert_eq!(user.version.next(), expected, "{id}");
        }
    }
}

/// Nobody who is not there keeps an address from others, and administrators are counted.
fn claims_are_of_users(world: &World<'_>) {
    let backend = &world.backend;
    let logins = backend.logins();
    let users = backend.users();
    for login in &logins {
        let owner = users.iter().find(|user| user.id == login.user_id);
        let has_it = owner.is_some_and(|user| user.logins.contains(&login.key));
        assert!(has_it, "a claim of nobody: {:?}", login.key);
    }
    let claimed: usize = users.iter().map(|user| user.logins.len()).sum();
    assert_eq!(logins.len(), claimed, "claims");
    let administrators = users.iter().filter(|user| user.is_active_admin());
    let count = u64::try_from(administrators.count()).expect("a small number");
    assert_eq!(backend.counted_administrators(), count, "administrators");
}

fn erased_users_are_forgotten(world: &World<'_>) {
    let backend = &world.backend;
    for id in backend.everybody() {
        if backend.user(id).is_none() {
            assert!(!backend.has_leftovers(id), "{id} was erased");
            let mut history = backend.history_of(id).into_iter();
            assert!(history.all(|entry| entry.private.is_none()), "{id}");
        }
    }
}

/// The service `profiles`, while it is registered, was told of every event since, and of nothing else.
fn services_are_told(world: &World<'_>) {
    let backend = &world.backend;
    let told: BTreeSet<EventId> = backend.webhooks().iter().map(|sent| sent.event).collect();
    let events = backend.outbox();
    assert!(
        told.iter()
            .all(|told| events.iter().any(|event| event.id == *told)),
        "{told:?}"
    );
    let is_there = backend
        .service("profiles")
        .is_some_and(|service| service.removed_at.is_none());
    if is_there && !backend.instances().is_empty() {
        let since = events
            .iter()
            .skip_while(|event| event.kind != EventKind::ServiceRegistered);
        let untold: Vec<_> = since.filter(|event| !told.contains(&event.id)).collect();
        assert!(untold.is_empty(), "the service was not told of {untold:?}");
    }
}

/// Each mail leaves once. The one exception is a worker that died between the acceptance of the mail and
/// the note of it, if nobody told the ledger before the next worker came.
fn mails_are_sent_once(world: &World<'_>, fault: Option<(Fault, &'static str)>) {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for lease in world.backend.mail_leases() {
        *counts.entry(lease).or_default() += 1;
    }
    let doubled: usize = counts.values().map(|count| count - 1).sum();
    let in_window = matches!(
        fault,
        Some(
            (Fault::StopAfter(_) | Fault::LoseReply(_), "mailer.send")
                | (Fault::StopBefore(_) | Fault::Fail(_), "leases.settle")
        )
    );
    let never_lost = world.travel().guarantee == MailGuarantee::NeverLost;
    let allowed = in_window && never_lost && !world.travel().reports_first;
    assert!(doubled <= usize::from(allowed), "doubled: {counts:?}");
    assert_eq!(world.backend.open_mails(), [], "mails without an end");
}

/// `GET /audit-events` finds nothing wrong with anybody.
async fn trail_is_whole(world: &World<'_>) {
    let admin = world.backend.everybody()[0];
    let admin = world.backend.user(admin).expect("the administrator");
    let token = world.backend.sign_in(&admin).await.token;
    world.settle().await;
    for id in world.backend.everybody() {
        let query = format!("user={id}&limit=100");
        let get = |request: TestRequest| request.query(&query).bearer(&token);
        let (answer, _) = world.answer("GET /audit-events", get).await;
        assert_eq!(
            answer.body["chain"]["status"], "ok",
            "{id}: {}",
            answer.body
        );
        assert_eq!(
            answer.body["signIns"]["status"], "ok",
            "{id}: {}",
            answer.body
        );
    }
}
