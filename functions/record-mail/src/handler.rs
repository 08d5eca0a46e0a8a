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

    use serde_json::json;
    use shared::application::ports::{ClaimKey, Claimed, Claims as _, Purpose, Terms};
    use testing::World;

    use super::*;

    #[tokio::test]
    async fn a_sent_mail_is_done_in_the_ledger() {
        let world = World::new();
        let key = ClaimKey::new(Purpose::Mail, "event_welcome");
        let terms = Terms {
            fingerprint: String::new(),
            reserved: Value::Null,
            lease: Duration::from_secs(10),
            retention: Duration::from_hours(1),
        };
        assert!(matches!(
            world.claim(&key, &terms).await.unwrap(),
            Claimed::Won(_)
        ));
        let observer = RecordMail {
            claims: world.clone(),
        };
        handle(
            &observer,
            json!({"mail": {"tags": {"roster-claim": ["event_welcome"]}}}),
        )
        .await
        .unwrap();
        assert!(matches!(
            world.claim(&key, &terms).await.unwrap(),
            Claimed::Done(_)
        ));
        // Mails of others, and claims unknown, change nothing.
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
