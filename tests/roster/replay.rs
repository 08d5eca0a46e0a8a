//! Events that are published again.

use cli::{Replay, Target};
use local::journal::Happening;

use crate::support::{Roster, on_own_stack, template, unique_email};

/// `cargo roster replay --user …`.
async fn replay(roster: &Roster, user: &str, publish: bool) -> String {
    let command = Replay {
        users: vec![user.parse().unwrap()],
        since: None,
        until: None,
        publish,
        console: roster.stack.console_url.clone(),
        target: Target {
            endpoint: roster.stack.dynamodb_url.clone(),
            data: None,
            aws: false,
            template: template(),
        },
    };
    let outcome = Box::pin(command.run()).await.unwrap();
    roster.settle().await;
    outcome
}

/// How often the bus got the creation of a user, and the ids of these events.
fn creations(roster: &Roster, user: &str) -> (usize, usize) {
    let entries = roster.stack.journal.since(0);
    let ids = entries.iter().filter_map(|entry| match &entry.happening {
        Happening::Event { event, .. }
            if event["detail-type"] == "UserCreated" && event["detail"]["subject"] == user =>
        {
            Some(event["detail"]["id"].to_string())
        }
        _ => None,
    });
    let mut ids: Vec<String> = ids.collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    (count, ids.len())
}

#[test]
fn a_replayed_event_has_no_second_effect() {
    on_own_stack(&[], async |roster| {
        let email = unique_email("replay");
        let user = roster.sign_up(&email).await.body["id"].clone();
        let user = user.as_str().unwrap();
        roster.mail_to(&email).await;
        roster.settle().await;

        let told = replay(roster, user, false).await;
        assert!(
            told.contains("would publish 1 events of 1 users: UserCreated 1"),
            "{told}"
        );
        assert_eq!(creations(roster, user), (1, 1), "that was a dry run");
        for count in 2..=3 {
            let told = replay(roster, user, true).await;
            assert!(told.contains("published 1 events"), "{told}");
            assert_eq!(creations(roster, user), (count, 1));
        }
        assert_eq!(roster.mails_to(&email), 1);
        let path = format!("/audit-events?user={user}");
        let trail = roster.get_as_admin(&path).await.body;
        assert_eq!(trail["data"].as_array().unwrap().len(), 1, "{trail}");
        assert_eq!(trail["chain"]["status"], "ok", "{trail}");
    });
}
