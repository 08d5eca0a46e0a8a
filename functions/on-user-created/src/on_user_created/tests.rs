use shared::domain::{mail::MailGuarantee, token::TokenBinding, user::Standing};
use testing::{FakeBackend, Fault, json};

use super::*;

const REMAINING: Duration = Duration::from_secs(10);

fn service(backend: &Arc<FakeBackend>, guarantee: MailGuarantee) -> OnUserCreated {
    OnUserCreated {
        users: backend.clone(),
        mail_service: backend.mail_service(guarantee),
    }
}

async fn user_created(backend: &Arc<FakeBackend>) -> DomainEvent {
    backend
        .add_unproven("ann@example.com", Standing::Provisional)
        .await;
    backend.outbox()[0].clone()
}

#[tokio::test]
async fn an_event_that_comes_twice_sends_one_mail() {
    let backend = FakeBackend::new();
    let event = user_created(&backend).await;
    let service = service(&backend, MailGuarantee::NeverLost);
    service.execute(&event, REMAINING).await.unwrap();
    service.execute(&event, REMAINING).await.unwrap();
    let inbox = backend.inbox();
    assert_eq!(inbox.len(), 1);
    assert_eq!(inbox[0].to.as_str(), "ann@example.com");
}

#[tokio::test]
async fn the_link_in_it_verifies_the_address() {
    let backend = FakeBackend::new();
    let event = user_created(&backend).await;
    let service = service(&backend, MailGuarantee::NeverLost);
    service.execute(&event, REMAINING).await.unwrap();
    let mail = backend.inbox().remove(0);
    assert!(mail.text.contains("https://app.example.com/verify#token="));
    let (token, user) = (backend.mailed_token().unwrap(), backend.users().remove(0));
    let metadata = backend.metadata();
    let change = user.verify_email(&metadata).unwrap();
    let change = change.spending(token.spend(
        &TokenBinding::of(&user, token.purpose).unwrap(),
        metadata.now,
    ));
    assert!(backend.commit(&change).await.unwrap().email_verified);
}

#[tokio::test]
async fn who_verified_the_address_by_then_gets_no_link() {
    let backend = FakeBackend::new();
    let event = user_created(&backend).await;
    backend.tamper(event.user_id.unwrap(), |user| user.email_verified = true);
    let service = service(&backend, MailGuarantee::NeverLost);
    service.execute(&event, REMAINING).await.unwrap();
    assert!(!backend.inbox().remove(0).text.contains("token="));
}

#[tokio::test]
async fn two_workers_at_once_send_one_mail() {
    let backend = FakeBackend::new();
    let event = user_created(&backend).await;
    let service = service(&backend, MailGuarantee::NeverLost);
    let (one, two) = tokio::join!(
        service.execute(&event, REMAINING),
        service.execute(&event, REMAINING)
    );
    assert!(one.is_ok() || two.is_ok());
    assert_eq!(backend.inbox().len(), 1);
}

#[tokio::test]
async fn a_refused_mail_is_sent_at_the_next_try() {
    for guarantee in [MailGuarantee::NeverLost, MailGuarantee::NeverTwice] {
        let backend = FakeBackend::new();
        let event = user_created(&backend).await;
        backend.refuse_mails(1);
        let service = service(&backend, guarantee);
        assert!(service.execute(&event, REMAINING).await.is_err());
        service.execute(&event, REMAINING).await.unwrap();
        assert_eq!(backend.inbox().len(), 1, "{guarantee:?}");
    }
}

/// Delivers the event with each fault, and again without. Returns the number of mails for each
/// fault.
async fn mails_after_every_fault(guarantee: MailGuarantee) -> Vec<(Fault, usize)> {
    let mails = std::sync::Mutex::new(Vec::new());
    FakeBackend::try_every_fault(async |fault: Fault| {
        let backend = FakeBackend::new();
        let event = user_created(&backend).await;
        let service = service(&backend, guarantee);
        let (_, fired) = backend
            .with_fault(fault, service.execute(&event, REMAINING))
            .await;
        backend.advance(REMAINING * 2);
        service.execute(&event, REMAINING).await.unwrap();
        if fired {
            mails.lock().unwrap().push((fault, backend.inbox().len()));
        }
        fired
    })
    .await;
    let mails = mails.into_inner().unwrap();
    assert!(mails.len() >= 52, "thirteen calls, each with four faults");
    mails
}

/// The calls are users.find, `users.history_entry`, leases.claim, mailboxes.find, `secrets.get_or_put`,
/// `tokens.find_good`, attempts.spend four times, tokens.issue, mailer.send, leases.settle, numbered from 0.
/// Between the last two it is unknown whether the mail was sent.
fn in_the_window(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::StopAfter(11) | Fault::LoseReply(11) | Fault::StopBefore(12) | Fault::Fail(12)
    )
}

#[tokio::test]
async fn never_lost_repeats_only_what_is_unknown() {
    for (fault, mails) in mails_after_every_fault(MailGuarantee::NeverLost).await {
        assert_eq!(mails, if in_the_window(fault) { 2 } else { 1 }, "{fault:?}");
    }
}

#[tokio::test]
async fn never_twice_loses_only_what_is_unknown() {
    for (fault, mails) in mails_after_every_fault(MailGuarantee::NeverTwice).await {
        let sent_or_unknown = mails == 1 || !in_the_window(fault);
        assert!(mails <= 1 && sent_or_unknown, "{fault:?}");
    }
}

#[tokio::test]
async fn the_witness_closes_the_window() {
    let backend = FakeBackend::new();
    let event = user_created(&backend).await;
    let service = service(&backend, MailGuarantee::NeverLost);
    backend
        .with_fault(Fault::StopAfter(11), service.execute(&event, REMAINING))
        .await;
    assert_eq!(backend.inbox().len(), 1);
    let lease = &backend.mail_leases()[0];
    let ledger: &dyn shared::application::ports::Leases = backend.as_ref();
    ledger
        .witness(lease, &json!({"outcome": "sent"}))
        .await
        .unwrap();
    backend.advance(REMAINING * 2);
    service.execute(&event, REMAINING).await.unwrap();
    assert_eq!(
        backend.inbox().len(),
        1,
        "the ledger knows it from the mail service's own event"
    );
}
