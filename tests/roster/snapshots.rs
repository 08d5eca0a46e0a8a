//! Snapshots of the directory, from which new processes of `GET /users` begin.

use local::invoke::Invoker as _;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Roster, on_own_stack, unique_email};

/// The schedule's event, ahead of its time.
async fn snapshot(roster: &Roster) {
    let event: Value =
        serde_json::from_str(include_str!("../../events/snapshot-directory.json")).unwrap();
    let answer = roster.stack.lambda.call("SnapshotDirectory", event).await;
    assert_eq!(answer.unwrap(), json!(null));
}

async fn sign_up(roster: &Roster, count: usize) {
    for _ in 0..count {
        let answer = roster.sign_up(&unique_email("snapshot")).await;
        assert_eq!(answer.status, StatusCode::CREATED);
    }
}

async fn total(roster: &Roster) -> Value {
    let answer = roster.get_as_admin("/users").await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.body["pagination"]["total"].clone()
}

/// How often `function` did `action` to keys which begin so.
fn count(roster: &Roster, function: &str, action: &str, key: &str) -> usize {
    let calls = roster.stack.services.dynamo.calls().since(0);
    calls
        .iter()
        .filter(|call| call.caller == function)
        .flat_map(|call| &call.accesses)
        .filter(|access| access.action == action)
        .filter(|access| {
            access
                .leading_keys
                .iter()
                .any(|leading| leading.starts_with(key))
        })
        .count()
}

#[test]
fn a_new_process_begins_with_the_snapshot() {
    on_own_stack(&[("SnapshotChanges", "2")], async |roster| {
        sign_up(roster, 3).await;
        snapshot(roster).await;
        sign_up(roster, 1).await;
        // With the administrator.
        assert_eq!(total(roster).await, 5);
        assert_eq!(count(roster, "ListUsers", "GetItem", "SEGMENT#"), 1);

        // Too little has changed.
        snapshot(roster).await;
        assert_eq!(count(roster, "SnapshotDirectory", "PutItem", "SEGMENT#"), 1);
        for _ in 0..2 {
            sign_up(roster, 2).await;
            snapshot(roster).await;
        }
        assert_eq!(count(roster, "SnapshotDirectory", "PutItem", "SEGMENT#"), 3);
        // The first one's; the second may still be in use.
        assert_eq!(
            count(roster, "SnapshotDirectory", "DeleteItem", "SEGMENT#"),
            1
        );
        assert_eq!(total(roster).await, 9);
    });
}
