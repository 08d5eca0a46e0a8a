//! Lambda freezes a process between two events: nothing goes on then, and everything goes on afterwards.

use std::process::Command;

use local::invoke::Invoker as _;
use serde_json::json;

use crate::support::{Roster, on_own_stack, unique_email};

/// Sends a signal to every process of a function.
fn signal(roster: &Roster, function: &str, signal: &str) {
    let processes = roster.stack.lambda.processes(function);
    assert!(!processes.is_empty(), "{function} has a process");
    for process in processes {
        let sent = Command::new("kill")
            .args([signal, &process.to_string()])
            .status();
        assert!(sent.unwrap().success());
    }
}

/// Calls of a function to the tables so far.
fn calls(roster: &Roster, function: &str) -> usize {
    let calls = roster.stack.services.dynamo.calls().since(0);
    calls.iter().filter(|call| call.caller == function).count()
}

/// The process that lists users is frozen after each answer, while users come and a newer snapshot is
/// made. When it thaws it has no work of its own: only the next request makes it catch up.
#[test]
fn a_process_works_for_events_alone_and_outlives_a_freeze() {
    on_own_stack(&[("SnapshotChanges", "1")], async |roster| {
        roster.get_as_admin("/users").await;
        for round in 1..=3 {
            signal(roster, "ListUsers", "-STOP");
            let before = calls(roster, "ListUsers");
            let email = unique_email("frozen");
            assert_eq!(roster.sign_up(&email).await.status, 201);
            let snapshot = json!({"detail": {}});
            let made = roster
                .stack
                .lambda
                .call("SnapshotDirectory", snapshot)
                .await;
            made.unwrap();
            signal(roster, "ListUsers", "-CONT");
            // What it had left to do would be done by the end of these.
            roster.settle().await;
            roster.get_as_admin("/audit-events").await;
            assert_eq!(calls(roster, "ListUsers"), before, "round {round}");
            let answer = roster.get_as_admin(&format!("/users?search={email}")).await;
            assert_eq!(answer.body["pagination"]["total"], 1, "{}", answer.body);
            assert!(calls(roster, "ListUsers") > before);
        }
        assert_eq!(
            roster.stack.lambda.processes("ListUsers").len(),
            1,
            "it is the same process"
        );
    });
}
