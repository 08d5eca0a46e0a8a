//! The event to the use case.

use serde_json::Value;
use shared::{application::mail::CLAIM_TAG, domain::Result};

use crate::record_mail::RecordMail;

/// `Email Sent` of the mail service: a mail's tags have lists of values.
pub async fn handle(observer: &RecordMail, detail: Value) -> Result<()> {
    match detail["mail"]["tags"][CLAIM_TAG][0].as_str() {
        Some(key) => observer.execute(key).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::application::ports::{Claimed, LeaseKey, LeaseOptions, Leases as _, Purpose};
    use testing::{FakeBackend, json};

    use super::*;

    #[tokio::test]
    async fn a_sent_mail_is_done_in_the_ledger() {
        let backend = FakeBackend::new();
        let key = LeaseKey::new(Purpose::Mail, "event_welcome");
        let options = LeaseOptions {
            fingerprint: String::new(),
            reserved: Value::Null,
            lease: Duration::from_secs(10),
            retention: Duration::from_hours(1),
        };
        assert!(matches!(
            backend.claim(&key, &options).await.unwrap(),
            Claimed::Won(_)
        ));
        let observer = RecordMail {
            leases: backend.clone(),
        };
        handle(
            &observer,
            json!({"mail": {"tags": {"roster-claim": ["event_welcome"]}}}),
        )
        .await
        .unwrap();
        assert!(matches!(
            backend.claim(&key, &options).await.unwrap(),
            Claimed::Done(_)
        ));
        // Mails of other programs and unknown leases change nothing.
        handle(&observer, json!({"mail": {"tags": {}}}))
            .await
            .unwrap();
        handle(
            &observer,
            json!({"mail": {"tags": {"roster-claim": ["other"]}}}),
        )
        .await
        .unwrap();
    }
}
