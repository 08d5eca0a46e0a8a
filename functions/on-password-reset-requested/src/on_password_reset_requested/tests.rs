use std::sync::Arc;

use shared::{
    application::ports::{AnonymousRequests, Clock as _, SecureRandom, UserRepository as _},
    domain::{
        Email, PasswordHash, RequestId, TokenPurpose, User, mail::MailGuarantee,
        request::AnonymousRequest, token::TokenBinding,
    },
};
use testing::{FakeBackend, Fault};

use super::*;

const REMAINING: Duration = Duration::from_secs(10);
const LOST: MailGuarantee = MailGuarantee::NeverLost;

fn service(backend: &Arc<FakeBackend>, guarantee: MailGuarantee) -> OnPasswordResetRequested {
    OnPasswordResetRequested {
        responder: backend.responder(guarantee),
    }
}

/// A request for a reset.
async fn ask(backend: &Arc<FakeBackend>, email: &str) -> DomainEvent {
    backend.advance(Duration::from_mins(1));
    let metadata = backend.metadata();
    let random: Arc<dyn SecureRandom> = backend.clone();
    let (request, event) = AnonymousRequest::new(
        RequestId::new(metadata.now, random.bytes().unwrap()),
        email.parse::<Email>().unwrap(),
        RequestKind::PasswordReset,
        &metadata,
    );
    let requests: &dyn AnonymousRequests = backend.as_ref();
    requests.put(&request, &event).await.unwrap();
    event
}

/// Uses the token in the newest mail, if it is good.
async fn reset(backend: &Arc<FakeBackend>, user: &User) -> bool {
    let token = backend.mailed_token().unwrap();
    assert_eq!(
        (token.purpose, token.user_id),
        (TokenPurpose::PasswordReset, user.id)
    );
    let user = backend.users().remove(0);
    let metadata = backend.metadata();
    let change = user.reset_password(PasswordHash::from_phc("new"), &metadata);
    let change = change.spending(token.spend(
        &TokenBinding::of(&user, token.purpose).unwrap(),
        backend.now(),
    ));
    backend.commit(&change).await.is_ok()
}

#[tokio::test]
async fn who_asked_gets_a_link_that_works_once() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let event = ask(&backend, "ann@example.com").await;
    let service = service(&backend, LOST);
    for _ in 0..2 {
        service.execute(&event, REMAINING).await.unwrap();
    }
    let inbox = backend.inbox();
    assert_eq!((inbox.len(), backend.pending_requests()), (1, 0));
    assert_eq!(inbox[0].to.as_str(), "ann@example.com");
    assert!(
        inbox[0]
            .text
            .contains("https://app.example.com/reset#token=")
    );
    assert!(reset(&backend, &ann).await);
    assert!(!reset(&backend, &ann).await);
}

#[tokio::test]
async fn nobody_else_gets_anything() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    backend.tamper(ann.id, |user| user.active = false);
    for email in ["ann@example.com", "nobody@example.com"] {
        let event = ask(&backend, email).await;
        service(&backend, LOST)
            .execute(&event, REMAINING)
            .await
            .unwrap();
    }
    assert_eq!((backend.inbox().len(), backend.pending_requests()), (0, 0));
    assert!(!backend.trace().contains(&"tokens.issue"));
}

#[tokio::test]
async fn the_newer_link_replaces_the_older_in_whatever_order_events_come() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let older = ask(&backend, "ann@example.com").await;
    let newer = ask(&backend, "ann@example.com").await;
    let service = service(&backend, LOST);
    service.execute(&newer, REMAINING).await.unwrap();
    service.execute(&older, REMAINING).await.unwrap();
    assert_eq!(
        backend.inbox().len(),
        1,
        "a link that is replaced is not mailed"
    );
    assert!(reset(&backend, &ann).await);
}

#[tokio::test]
async fn who_asks_again_gets_the_same_link_until_it_is_used() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let service = service(&backend, LOST);
    for _ in 0..2 {
        let event = ask(&backend, "ann@example.com").await;
        service.execute(&event, REMAINING).await.unwrap();
    }
    let inbox = backend.inbox();
    assert!(inbox.len() == 2 && inbox[0] == inbox[1]);
    assert!(reset(&backend, &ann).await && !reset(&backend, &ann).await);
    let event = ask(&backend, "ann@example.com").await;
    service.execute(&event, REMAINING).await.unwrap();
    assert!(backend.inbox()[2] != inbox[0]);
    assert!(reset(&backend, &ann).await);
}

#[tokio::test]
async fn an_event_that_comes_late_mails_nothing() {
    let backend = FakeBackend::new();
    backend.add_user("ann@example.com").await;
    let event = ask(&backend, "ann@example.com").await;
    backend.advance(TokenPurpose::PasswordReset.lifetime());
    service(&backend, LOST)
        .execute(&event, REMAINING)
        .await
        .unwrap();
    assert_eq!((backend.inbox().len(), backend.pending_requests()), (0, 0));
}

#[tokio::test]
async fn an_event_that_comes_again_makes_no_used_link_good() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let event = ask(&backend, "ann@example.com").await;
    let service = service(&backend, LOST);
    // The process stops after the mail was sent, before the ledger knows. The calls are requests.find,
    // users.find_login, users.find, leases.claim, attempts.spend twice, secrets.get_or_put,
    // tokens.find_good, tokens.issue, mailer.send.
    backend
        .with_fault(Fault::StopAfter(10), service.execute(&event, REMAINING))
        .await;
    assert!(reset(&backend, &ann).await);
    backend.advance(REMAINING * 2);
    service.execute(&event, REMAINING).await.unwrap();
    assert_eq!((backend.inbox().len(), backend.pending_requests()), (1, 0));
    assert!(!reset(&backend, &ann).await, "it stays used");
}

/// Between the mail and the note in the ledger, it is unknown whether the mail was sent.
fn in_the_window(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::StopAfter(10) | Fault::LoseReply(10) | Fault::StopBefore(11) | Fault::Fail(11)
    )
}

/// The newest mail holds a good link; and there is one mail, except where that is unknown.
#[tokio::test]
async fn a_request_survives_every_fault() {
    for guarantee in [LOST, MailGuarantee::NeverTwice] {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let backend = FakeBackend::new();
            let ann = backend.add_user("ann@example.com").await;
            let event = ask(&backend, "ann@example.com").await;
            let service = service(&backend, guarantee);
            let (_, fired) = backend
                .with_fault(fault, service.execute(&event, REMAINING))
                .await;
            backend.advance(REMAINING * 2);
            service.execute(&event, REMAINING).await.unwrap();
            let inbox = backend.inbox();
            let twice = fired && guarantee == LOST && in_the_window(fault);
            let lost = guarantee == MailGuarantee::NeverTwice && inbox.is_empty();
            assert!(
                lost || inbox.len() == if twice { 2 } else { 1 },
                "{fault:?}"
            );
            assert!(inbox.iter().all(|mail| *mail == inbox[0]), "{fault:?}");
            assert!(lost || reset(&backend, &ann).await, "{fault:?}");
            assert_eq!(backend.pending_requests(), 0, "{fault:?}");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 13, "thirteen calls, each with four faults");
    }
}
