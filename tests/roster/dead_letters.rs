//! Dead letters, and their way back.

use cli::Redrive;
use local::journal::Happening;
use serde_json::json;
use shared::domain::Email;

use crate::support::{Roster, on_own_stack, patiently, unique_email};

const QUEUE: &str = "OnUserCreatedFailures";

/// `cargo roster redrive OnUserCreated`.
async fn redrive(roster: &Roster) -> Result<String, String> {
    let command = Redrive {
        queue: "OnUserCreated".to_owned(),
        console: roster.stack.console_url.clone(),
        aws: false,
        stack: String::new(),
    };
    let outcome = command.run().await;
    roster.settle().await;
    outcome.map_err(|error| format!("{error:#}"))
}

/// What is known of the mailbox cannot be read, until somebody removes it.
#[test]
fn a_mended_observer_catches_up_and_doubles_nothing() {
    on_own_stack(&[], async |roster| {
        let email = unique_email("dead");
        let address: Email = email.parse().unwrap();
        let key = json!({
            "pk": {"S": format!("MAILBOX#{}", address.digest())},
            "sk": {"S": "MAILBOX"},
        });
        let table = &roster.stack.model.tables["SessionsTable"].name;
        let mut item = key.clone();
        item["bouncedAt"] = json!({"BOOL": true});
        let broken = json!({"TableName": table, "Item": item});
        roster.database("PutItem", &broken).await;

        roster.sign_up(&email).await;
        let is_ours = |entry: &local::journal::Entry| match &entry.happening {
            Happening::Queued { queue, .. } => (queue == QUEUE).then_some(()),
            _ => None,
        };
        patiently("a dead letter", roster.stack.journal.wait_for(0, is_ours)).await;
        let failed = redrive(roster).await.unwrap_err();
        assert!(failed.contains("failed at 1"), "{failed}");
        assert_eq!(roster.mails_to(&email), 0);

        let mended = json!({"TableName": table, "Key": key});
        roster.database("DeleteItem", &mended).await;
        let done = redrive(roster).await.unwrap();
        assert!(done.contains("observed 1;"), "{done}");
        assert_eq!(roster.mails_to(&email), 1);
        let empty = redrive(roster).await.unwrap();
        assert!(empty.contains("observed 0;"), "{empty}");
        assert_eq!(roster.mails_to(&email), 1);
    });
}
