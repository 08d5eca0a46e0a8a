use std::{sync::Arc, time::Duration};

use shared::{
    application::ports::{Claimed, LeaseKey, LeaseOptions, Leases as _, Mailboxes, Purpose},
    domain::mail::{Mailbox, Suppression},
};
use testing::{FakeBackend, json};

use super::*;

fn observer(backend: &Arc<FakeBackend>) -> RecordMail {
    RecordMail {
        leases: backend.clone(),
        mailboxes: backend.clone(),
    }
}

/// An event of this kind about a mail of ours to Ann.
fn event(kind: &str, part: &str, of_part: &Value) -> Value {
    json!({
        "eventType": kind,
        "mail": {"destination": ["ann@example.com"], "tags": {"roster-claim": ["event_welcome"]}},
        part: of_part,
    })
}

fn bounce(kind: &str, minute: u32) -> Value {
    let at = format!("2026-01-01T00:{minute:02}:00.000Z");
    event(
        "Bounce",
        "bounce",
        &json!({"bounceType": kind, "timestamp": at}),
    )
}

async fn mailbox(backend: &Arc<FakeBackend>) -> Mailbox {
    let ann = "ann@example.com".parse().unwrap();
    Mailboxes::find(&**backend, &ann).await.unwrap()
}

#[tokio::test]
async fn a_sent_or_rejected_mail_is_done_in_the_ledger() {
    for kind in ["Send", "Reject"] {
        let backend = FakeBackend::new();
        let key = LeaseKey::new(Purpose::Mail, "event_welcome");
        let options = LeaseOptions {
            fingerprint: String::new(),
            reserved: Value::Null,
            lease: Duration::from_secs(10),
            retention: Duration::from_hours(1),
        };
        let claimed = backend.claim(&key, &options).await.unwrap();
        assert!(matches!(claimed, Claimed::Won(_)));
        let observer = observer(&backend);
        let report = event(kind, "send", &json!({}));
        handle(&observer, report).await.unwrap();
        let claimed = backend.claim(&key, &options).await.unwrap();
        assert!(matches!(claimed, Claimed::Done(_)), "{kind}");
        // Mails of other programs and unknown leases change nothing.
        for tags in [json!({}), json!({"roster-claim": ["other"]})] {
            let report = json!({"eventType": kind, "mail": {"tags": tags}});
            handle(&observer, report).await.unwrap();
        }
    }
}

#[tokio::test]
async fn only_a_hard_bounce_suppresses_until_a_later_delivery() {
    let backend = FakeBackend::new();
    let observer = observer(&backend);
    for kind in ["Transient", "Undetermined"] {
        handle(&observer, bounce(kind, 1)).await.unwrap();
    }
    assert_eq!(mailbox(&backend).await, Mailbox::default());
    handle(&observer, bounce("Permanent", 2)).await.unwrap();
    let suppression = mailbox(&backend).await.suppression();
    let at = "2026-01-01T00:02:00Z".parse().unwrap();
    assert_eq!(suppression, Some(Suppression::Bounced(at)));
    for (minute, is_suppressed) in [(1, true), (3, false)] {
        let at = format!("2026-01-01T00:{minute:02}:00.000Z");
        let delivery = event("Delivery", "delivery", &json!({"timestamp": at}));
        handle(&observer, delivery).await.unwrap();
        let suppression = mailbox(&backend).await.suppression();
        assert_eq!(suppression.is_some(), is_suppressed, "{minute}");
    }
}

#[tokio::test]
async fn a_complaint_is_noted_and_a_report_without_a_time_comes_again() {
    let backend = FakeBackend::new();
    let observer = observer(&backend);
    let complaint = |of_part| event("Complaint", "complaint", &of_part);
    assert!(handle(&observer, complaint(json!({}))).await.is_err());
    let report = complaint(json!({"timestamp": "2026-01-01T00:01:00.000Z"}));
    handle(&observer, report).await.unwrap();
    assert!(mailbox(&backend).await.complained_at.is_some());
}

#[tokio::test]
async fn a_report_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |_| (),
        async |backend, ()| handle(&observer(backend), bounce("Permanent", 1)).await,
        async |backend, ()| mailbox(backend).await.bounced_at.is_some(),
    )
    .await;
    assert_eq!(calls, ["mailboxes.note"]);
}
