use shared::domain::{
    Actor, Origin, PasswordHash, Refusal, UserId,
    mail::{MailGuarantee, MailOutcome},
};
use testing::{FakeBackend, identity};

use super::*;

const REMAINING: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_hours(24);

fn service(backend: &Arc<FakeBackend>) -> OnAccessChanged {
    OnAccessChanged {
        users: backend.clone(),
        sessions: backend.clone(),
        mail_service: backend.mail_service(MailGuarantee::NeverLost),
    }
}

async fn ann(backend: &Arc<FakeBackend>) -> User {
    backend.add_user("ann@example.com").await
}

async fn observe_newest(backend: &Arc<FakeBackend>) {
    let event = backend.outbox().pop().unwrap();
    for _ in 0..2 {
        service(backend).execute(&event, REMAINING).await.unwrap();
    }
}

fn subjects(backend: &FakeBackend) -> Vec<String> {
    let inbox = backend.inbox().into_iter();
    inbox.map(|mail| mail.subject).collect()
}

async fn change_password(backend: &Arc<FakeBackend>, user: UserId) {
    let change = |user: &User, metadata: &_| {
        Ok(user.change_password(PasswordHash::from_phc("new"), metadata))
    };
    backend.change(user, change).await;
}

async fn sign_in(backend: &Arc<FakeBackend>, user: UserId, new_device: bool) {
    let user = backend.user(user).unwrap();
    let origin = Origin {
        actor: Actor::User(user.id),
        ..backend.metadata().origin
    };
    let starter = backend.session_starter();
    let started = starter.start(
        &user,
        "pwd",
        "https://example.com".into(),
        new_device,
        origin,
    );
    started.await.unwrap();
}

#[tokio::test]
async fn a_changed_password_is_told_once_with_its_time() {
    let backend = FakeBackend::new();
    let ann = ann(&backend).await;
    change_password(&backend, ann.id).await;
    observe_newest(&backend).await;
    let inbox = backend.inbox();
    assert_eq!((inbox.len(), inbox[0].to.as_str()), (1, "ann@example.com"));
    assert_eq!(inbox[0].subject, "Your password at Acme was changed");
    assert!(
        inbox[0].text.contains("Hello Ann Example,")
            && inbox[0].text.contains("2026-01-01 00:00 UTC")
    );
}

#[tokio::test]
async fn a_reset_is_told_unless_it_proves_the_address() {
    let backend = FakeBackend::new();
    let ann = ann(&backend).await;
    let reset =
        |ann: &User, metadata: &_| Ok(ann.reset_password(PasswordHash::from_phc("new"), metadata));
    backend.change(ann.id, reset).await;
    observe_newest(&backend).await;
    assert_eq!(subjects(&backend), ["Your password at Acme was changed"]);
    let bob = backend.add_user("bob@example.com").await;
    backend.tamper(bob.id, |bob| bob.email_verified = false);
    backend.change(bob.id, reset).await;
    observe_newest(&backend).await;
    assert_eq!(subjects(&backend).len(), 1);
}

#[tokio::test]
async fn a_linked_and_an_unlinked_identity_are_told() {
    let backend = FakeBackend::new();
    let ann = ann(&backend).await;
    let link = |ann: &User, metadata: &_| {
        let change = ann.link(&identity("a", "1"), metadata)?;
        change.ok_or_else(|| Refusal::NotFound.into())
    };
    backend.change(ann.id, link).await;
    observe_newest(&backend).await;
    let unlink = |ann: &User, metadata: &_| ann.unlink(&identity("a", "1"), true, metadata);
    backend.change(ann.id, unlink).await;
    observe_newest(&backend).await;
    let expected = [
        "Another way to sign in at Acme was added",
        "A way to sign in at Acme was removed",
    ];
    assert_eq!(subjects(&backend), expected);
}

#[tokio::test]
async fn a_new_device_is_told_once_a_day_and_a_known_one_never() {
    let backend = FakeBackend::new();
    let ann = ann(&backend).await;
    backend.advance(DAY);
    let mut told = Vec::new();
    for (new_device, later) in [
        (false, Duration::ZERO),
        (true, Duration::ZERO),
        (true, DAY / 2),
        (true, DAY / 2),
    ] {
        backend.advance(later);
        sign_in(&backend, ann.id, new_device).await;
        observe_newest(&backend).await;
        told.push(backend.inbox().len());
    }
    assert_eq!(told, [0, 1, 1, 2]);
    assert_eq!(subjects(&backend)[0], "New sign-in at Acme");
}

#[tokio::test]
async fn the_first_sign_in_of_a_new_account_is_no_news() {
    let backend = FakeBackend::new();
    let ann = ann(&backend).await;
    sign_in(&backend, ann.id, true).await;
    observe_newest(&backend).await;
    assert!(backend.inbox().is_empty());
    backend.advance(Duration::from_mins(1));
    sign_in(&backend, ann.id, true).await;
    observe_newest(&backend).await;
    assert_eq!(subjects(&backend), ["New sign-in at Acme"]);
}

#[tokio::test]
async fn a_notice_to_an_unproven_address_has_no_name() {
    let backend = FakeBackend::new();
    let ann = ann(&backend).await;
    backend.tamper(ann.id, |ann| ann.email_verified = false);
    change_password(&backend, ann.id).await;
    observe_newest(&backend).await;
    let mail = backend.inbox().pop().unwrap();
    assert!(!mail.text.contains("Ann") && !mail.html.contains("Ann"));
}

#[tokio::test]
async fn who_complained_or_bounced_or_is_erased_gets_no_notice() {
    for outcome in [
        Some(MailOutcome::Bounced),
        Some(MailOutcome::Complained),
        None,
    ] {
        let backend = FakeBackend::new();
        let ann = ann(&backend).await;
        change_password(&backend, ann.id).await;
        let event = backend.outbox().pop().unwrap();
        if let Some(outcome) = outcome {
            backend.report(&ann.email, outcome).await;
        } else {
            let erase = |ann: &User, metadata: &_| Ok(ann.erase(metadata));
            backend.change(ann.id, erase).await;
        }
        service(&backend).execute(&event, REMAINING).await.unwrap();
        assert!(backend.inbox().is_empty(), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_notice_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |backend| {
            let ann = ann(backend).await;
            sign_in(backend, ann.id, false).await;
            backend.advance(Duration::from_mins(1));
            sign_in(backend, ann.id, true).await;
            backend.outbox().pop().unwrap()
        },
        async |backend, event| service(backend).execute(event, REMAINING).await,
        async |backend, _| (1..=2).contains(&backend.inbox().len()),
    )
    .await;
    assert!(calls.contains(&"sessions.list"), "{calls:?}");
}
