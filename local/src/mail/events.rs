//! What the mail service tells of a mail, as it stands on the default bus ("Contents of event data that
//! Amazon SES publishes", Amazon SES Developer Guide; `EventBridge` has it in `detail`).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Outcome;
use crate::{
    bus::NewEvent,
    journal::Mail,
    template::{ACCOUNT, ConfigurationSet, arn},
};

/// The events of an accepted mail to one receiver, in the order of their times; those which the
/// configuration set does not report are left out.
pub(super) fn of(mail: &Mail, set: &ConfigurationSet, outcome: Outcome) -> Vec<NewEvent> {
    let kinds: &[Kind] = match outcome {
        Outcome::Delivery => &[Kind::Send, Kind::Delivery],
        Outcome::Complaint => &[Kind::Send, Kind::Delivery, Kind::Complaint],
        Outcome::Bounce | Outcome::SoftBounce | Outcome::Suppressed => &[Kind::Send, Kind::Bounce],
        Outcome::Reject => &[Kind::Send, Kind::Reject],
    };
    let reported = kinds.iter().filter(|kind| {
        let name = kind.parts().0;
        set.event_kinds.iter().any(|listed| listed == name)
    });
    reported
        .map(|kind| event(mail, set, *kind, outcome))
        .collect()
}

#[derive(Clone, Copy)]
enum Kind {
    Send,
    Delivery,
    Bounce,
    Complaint,
    Reject,
}

impl Kind {
    /// Its name in a configuration set, in the event, in `detail-type`, and of its own part.
    fn parts(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Send => ("SEND", "Send", "Email Sent", "send"),
            Self::Delivery => ("DELIVERY", "Delivery", "Email Delivered", "delivery"),
            Self::Bounce => ("BOUNCE", "Bounce", "Email Bounced", "bounce"),
            Self::Complaint => (
                "COMPLAINT",
                "Complaint",
                "Email Complaint Received",
                "complaint",
            ),
            Self::Reject => ("REJECT", "Reject", "Email Rejected", "reject"),
        }
    }
}

fn event(mail: &Mail, set: &ConfigurationSet, kind: Kind, outcome: Outcome) -> NewEvent {
    let (_, event_type, detail_type, part) = kind.parts();
    let now = Timestamp::now();
    let mut detail = json!({"eventType": event_type, "mail": envelope(mail, set, now)});
    detail[part] = match kind {
        Kind::Send => json!({}),
        Kind::Reject => json!({"reason": "Bad content"}),
        Kind::Delivery => json!({
            "timestamp": format!("{now:.3}"),
            "processingTimeMillis": 1,
            "recipients": mail.to,
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": "mta.example.com",
        }),
        Kind::Bounce => bounce(mail, outcome, now),
        Kind::Complaint => json!({
            "timestamp": format!("{now:.3}"),
            "feedbackId": format!("{}-feedback", mail.id),
            "complaintFeedbackType": "abuse",
            "complaintSubType": null,
            "complainedRecipients": mail.to.iter()
                .map(|to| json!({"emailAddress": to}))
                .collect::<Vec<_>>(),
        }),
    };
    NewEvent {
        source: "aws.ses".to_owned(),
        detail_type: detail_type.to_owned(),
        detail,
        resources: vec![arn("ses", &format!("configuration-set/{}", set.name))],
        time: Some(now),
    }
}

fn bounce(mail: &Mail, outcome: Outcome, now: Timestamp) -> Value {
    let (kind, sub_kind, status, code) = match outcome {
        Outcome::SoftBounce => (
            "Transient",
            "General",
            "4.4.7",
            "smtp; 554 4.4.7 Message expired: unable to deliver in 840 minutes",
        ),
        Outcome::Suppressed => (
            "Permanent",
            "Suppressed",
            "5.1.1",
            "Amazon SES has suppressed sending to this address because it has a recent history of \
             bouncing as an invalid address",
        ),
        _ => (
            "Permanent",
            "General",
            "5.1.1",
            "smtp; 550 5.1.1 user unknown",
        ),
    };
    let of = |to: &String| json!({"emailAddress": to, "action": "failed", "status": status, "diagnosticCode": code});
    json!({
        "bounceType": kind,
        "bounceSubType": sub_kind,
        "bouncedRecipients": mail.to.iter().map(of).collect::<Vec<_>>(),
        "timestamp": format!("{now:.3}"),
        "feedbackId": format!("{}-feedback", mail.id),
        "reportingMTA": "dns; mta.example.com",
    })
}

/// What all events say of the mail.
fn envelope(mail: &Mail, set: &ConfigurationSet, now: Timestamp) -> Value {
    let mut tags: Map<String, Value> = mail
        .tags
        .iter()
        .map(|(name, value)| (name.clone(), json!([value])))
        .collect();
    tags.insert("ses:configuration-set".to_owned(), json!([set.name]));
    tags.insert("ses:operation".to_owned(), json!(["SendEmail"]));
    let header = |(name, value): (&String, &String)| json!({"name": name, "value": value});
    json!({
        "timestamp": format!("{now:.3}"),
        "source": mail.from,
        "sendingAccountId": ACCOUNT,
        "messageId": mail.id,
        "destination": mail.to,
        "headersTruncated": false,
        "headers": mail.headers.iter().map(header).collect::<Vec<_>>(),
        "commonHeaders": {
            "from": [mail.from],
            "to": mail.to,
            "messageId": mail.id,
            "subject": mail.subject,
        },
        "tags": tags,
    })
}
