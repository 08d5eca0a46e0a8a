//! What became of mails counts by when it happened, in whatever order it is told.

use std::time::Duration;

use shared::domain::{
    Timestamp,
    mail::{MailOutcome, Mailbox, suppression_lifted},
};

use crate::{
    contract,
    ports::{Ports, email},
};

contract!(
    a_bounce_counts_until_a_later_delivery,
    a_delivery_ends_no_complaint,
    a_lift_forgets_both_and_what_is_told_late,
    addresses_do_not_meet,
);

const ANN: &str = "ann@example.com";

/// Seconds after the start.
fn at(ports: &Ports, seconds: u64) -> Timestamp {
    ports.now().plus(Duration::from_secs(seconds))
}

async fn note(ports: &Ports, outcome: MailOutcome, time: Timestamp) {
    let noted = ports.mailboxes.note(&email(ANN), outcome, time).await;
    noted.unwrap();
}

async fn known(ports: &Ports) -> Mailbox {
    ports.mailboxes.find(&email(ANN)).await.unwrap()
}

async fn a_bounce_counts_until_a_later_delivery(ports: Ports) {
    assert_eq!(known(&ports).await, Mailbox::default());
    let times = [1, 2, 3].map(|seconds| at(&ports, seconds));
    note(&ports, MailOutcome::Delivered, times[0]).await;
    for _ in 0..2 {
        note(&ports, MailOutcome::Bounced, times[1]).await;
        note(&ports, MailOutcome::Delivered, times[0]).await;
    }
    assert_eq!(known(&ports).await.bounced_at, Some(times[1]));
    note(&ports, MailOutcome::Delivered, times[2]).await;
    assert_eq!(known(&ports).await, Mailbox::default());
    note(&ports, MailOutcome::Bounced, times[1]).await;
    assert_eq!(known(&ports).await, Mailbox::default(), "told late");
}

async fn a_delivery_ends_no_complaint(ports: Ports) {
    let times = [1, 2].map(|seconds| at(&ports, seconds));
    note(&ports, MailOutcome::Complained, times[0]).await;
    note(&ports, MailOutcome::Delivered, times[1]).await;
    assert_eq!(known(&ports).await.complained_at, Some(times[0]));
}

async fn a_lift_forgets_both_and_what_is_told_late(ports: Ports) {
    let early = at(&ports, 1);
    (ports.advance)(Duration::from_secs(2));
    let event = suppression_lifted(ports.user_id(), &ports.metadata());
    let lift = async || {
        let lifted = ports.mailboxes.lift(&email(ANN), &event).await;
        lifted.unwrap();
    };
    lift().await;
    note(&ports, MailOutcome::Bounced, early).await;
    note(&ports, MailOutcome::Complained, early).await;
    for _ in 0..2 {
        lift().await;
        assert_eq!(known(&ports).await, Mailbox::default());
    }
    note(&ports, MailOutcome::Bounced, early).await;
    assert_eq!(known(&ports).await, Mailbox::default(), "told late");
    let late = at(&ports, 1);
    note(&ports, MailOutcome::Bounced, late).await;
    assert_eq!(known(&ports).await.bounced_at, Some(late));
}

async fn addresses_do_not_meet(ports: Ports) {
    note(&ports, MailOutcome::Bounced, at(&ports, 1)).await;
    let bob = email("bob@example.com");
    let of_bob = ports.mailboxes.find(&bob).await.unwrap();
    assert_eq!(of_bob, Mailbox::default());
}
