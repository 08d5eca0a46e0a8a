use std::sync::Arc;

use shared::{
    application::ports::{AnonymousRequests, Clock as _, SecureRandom, UserRepository as _},
    domain::{
        Email, EventKind, PasswordHash, RequestId, Role, Roles, TokenPurpose, User,
        mail::MailGuarantee, request::AnonymousRequest, token::TokenBinding,
    },
};
use testing::{FakeBackend, Fault};

use super::*;

const REMAINING: Duration = Duration::from_secs(10);
const LOST: MailGuarantee = MailGuarantee::NeverLost;

fn service(backend: &Arc<FakeBackend>, guarantee: MailGuarantee) -> OnPasswordResetRequested {
    OnPasswordResetRequested {
        responder: backend.responder(guarantee),
        policy: SignUpPolicy::Open,
        first_admin: FirstAdmin::default(),
        invitations: backend.first_admin_invitations(),
    }
}

/// The same where administrators alone make users, and Ann is to be the first of them.
fn closed(backend: &Arc<FakeBackend>) -> OnPasswordResetRequested {
    OnPasswordResetRequested {
        policy: SignUpPolicy::Admin,
        first_admin: "Ann@example.com".parse().unwrap(),
        ..service(backend, LOST)
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
    // users.find_login, users.find, leases.claim, secrets.get_or_put, tokens.find_good, attempts.spend four
    // times, tokens.issue, mailer.send.
    backend
        .with_fault(Fault::StopAfter(12), service.execute(&event, REMAINING))
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
        Fault::StopAfter(12) | Fault::LoseReply(12) | Fault::StopBefore(13) | Fault::Fail(13)
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
        assert_eq!(tried, 4 * 15, "fifteen calls, each with four faults");
    }
}

/// The observer of the event mails it.
fn invitations(backend: &FakeBackend) -> usize {
    let events = backend.outbox();
    let invited = events
        .iter()
        .filter(|event| event.kind == EventKind::UserInvited);
    invited.count()
}

#[tokio::test]
async fn the_first_administrator_is_invited_where_nobody_else_could_be() {
    let backend = FakeBackend::new();
    let event = ask(&backend, "ann@example.com").await;
    for _ in 0..2 {
        closed(&backend).execute(&event, REMAINING).await.unwrap();
    }
    let ann = backend.users().remove(0);
    assert_eq!(ann.email.as_str(), "ann@example.com");
    assert!(ann.standing == Standing::Invited && ann.roles.is_empty());
    assert_eq!((invitations(&backend), backend.inbox().len()), (1, 0));
    assert_eq!(backend.pending_requests(), 0);

    // Who asks again gets the same link each time: a stranger who asks voids nothing.
    let mut links = Vec::new();
    for _ in 0..2 {
        let event = ask(&backend, "ann@example.com").await;
        closed(&backend).execute(&event, REMAINING).await.unwrap();
        links.push(backend.inbox().pop().unwrap());
    }
    assert!(links[0] == links[1] && links[0].text.contains("/invitation#token="));
    assert_eq!((invitations(&backend), backend.users().len()), (1, 1));
}

#[tokio::test]
async fn nobody_is_invited_elsewhere_or_by_another_address_or_once_there_is_an_administrator() {
    for (policy, email, has_admin) in [
        (SignUpPolicy::Open, "ann@example.com", false),
        (SignUpPolicy::Concealed, "ann@example.com", false),
        (SignUpPolicy::Admin, "bob@example.com", false),
        (SignUpPolicy::Admin, "ann@example.com", true),
    ] {
        let backend = FakeBackend::new();
        if has_admin {
            backend.sign_up("Root", Roles::from([Role::admin()])).await;
        }
        let service = OnPasswordResetRequested {
            policy,
            ..closed(&backend)
        };
        let event = ask(&backend, email).await;
        service.execute(&event, REMAINING).await.unwrap();
        assert_eq!((invitations(&backend), backend.inbox().len()), (0, 0));
        assert_eq!(backend.pending_requests(), 0);
    }
}

/// An invitation ends after seven days, and a reset does not go around that; but for the first
/// administrator, whom nobody could invite again.
#[tokio::test]
async fn a_reset_mails_an_invitation_again_to_the_first_administrator_alone() {
    for (has_admin, mails) in [(false, 1), (true, 0)] {
        let backend = FakeBackend::new();
        if has_admin {
            backend.sign_up("Root", Roles::from([Role::admin()])).await;
        }
        let ann = backend.add_user("ann@example.com").await;
        backend.tamper(ann.id, |user| user.standing = Standing::Invited);
        let event = ask(&backend, "ann@example.com").await;
        closed(&backend).execute(&event, REMAINING).await.unwrap();
        assert_eq!(backend.inbox().len(), mails);
    }
}

#[tokio::test]
async fn the_first_administrator_who_has_an_account_resets_the_password() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let event = ask(&backend, "ann@example.com").await;
    closed(&backend).execute(&event, REMAINING).await.unwrap();
    assert!(reset(&backend, &ann).await);
}

#[tokio::test]
async fn an_invitation_of_the_first_administrator_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |backend| ask(backend, "ann@example.com").await,
        async |backend, event| closed(backend).execute(event, REMAINING).await,
        async |backend, _| {
            (invitations(backend), backend.users().len()) == (1, 1)
                && (backend.inbox().len(), backend.pending_requests()) == (0, 0)
        },
    )
    .await;
    assert!(calls.contains(&"users.commit"), "{calls:?}");
}
