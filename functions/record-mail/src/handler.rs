//! The event to the use case.

use serde_json::Value;
use shared::{
    application::mail::CLAIM_TAG,
    domain::{Email, Error, Result, Timestamp, mail::MailOutcome},
};

use crate::record_mail::{RecordMail, Report};

/// Events of the mail service about one mail: a mail's tags have lists of values.
pub async fn handle(observer: &RecordMail, detail: Value) -> Result<()> {
    let key = detail["mail"]["tags"][CLAIM_TAG][0].as_str();
    match (key, report(&detail)?) {
        (Some(key), Some(report)) => observer.execute(key, report).await,
        // A mail of another program, or a bounce that need not last.
        _ => Ok(()),
    }
}

/// What the event reports; none of what changes nothing.
fn report(detail: &Value) -> Result<Option<Report>> {
    let ended = |outcome, part: &str| {
        // Each of our mails has one receiver, whom the event names as we did.
        let email = detail["mail"]["destination"][0].as_str();
        let at = detail[part]["timestamp"].as_str();
        let at = at.and_then(|at| at.parse::<Timestamp>().ok());
        let email = email.map(|email| Email::stored(email.to_owned()));
        let (email, at) = email
            .zip(at)
            .ok_or_else(|| Error::internal("a report names no address or no time"))?;
        Ok(Some(Report::Ended(outcome, email, at)))
    };
    match detail["eventType"].as_str() {
        Some("Send") => Ok(Some(Report::Sent)),
        Some("Reject") => Ok(Some(Report::Rejected)),
        Some("Delivery") => ended(MailOutcome::Delivered, "delivery"),
        Some("Complaint") => ended(MailOutcome::Complained, "complaint"),
        // "Permanent" is a hard bounce; the others may end by themselves.
        Some("Bounce") if detail["bounce"]["bounceType"] == "Permanent" => {
            ended(MailOutcome::Bounced, "bounce")
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests;
