//! Processes that die in the middle of their work.

use std::{process::Command, sync::Arc};

use futures::StreamExt as _;
use local::journal::{Entry, Happening};
use serde_json::json;

use crate::support::{Roster, on_own_stack, unique_email};

/// Ends every process of a function at once, as the kernel does when memory runs out.
fn kill(roster: &Roster, function: &str) -> usize {
    let processes = roster.stack.lambda.processes(function);
    for process in &processes {
        // It may have ended by itself meanwhile.
        let _ = Command::new("kill")
            .args(["-9", &process.to_string()])
            .status();
    }
    processes.len()
}

fn is_user_created(entry: &Entry, id: &str) -> bool {
    matches!(&entry.happening, Happening::Event { event, .. }
        if event["detail-type"] == "UserCreated" && event["detail"]["subject"] == id)
}

/// While users sign up, every function that carries their events on is killed again and again.
#[test]
fn killed_processes_lose_nothing() {
    on_own_stack(&[], async |roster| {
        // From here on, each function has a process that can be killed.
        let first = unique_email("crash");
        roster.sign_up(&first).await;
        roster.mail_to(&first).await;
        roster.settle().await;
        let killed = std::sync::atomic::AtomicUsize::new(0);
        let sign_up = async |number: usize| {
            let email = unique_email("crash");
            let answer = roster.sign_up(&email).await;
            let functions = ["PublishEvents", "OnUserCreated", "RecordAudit"];
            let count = kill(roster, functions[number % functions.len()]);
            killed.fetch_add(count, std::sync::atomic::Ordering::SeqCst);
            (email, answer)
        };
        let users: Vec<_> = futures::stream::iter(0..30)
            .map(sign_up)
            .buffer_unordered(5)
            .collect()
            .await;
        assert!(
            killed.into_inner() >= 3,
            "at least the first process of each was killed"
        );
        for (email, answer) in &users {
            assert_eq!(answer.status, 201);
            roster.mail_to(email).await;
            let id = answer.body["id"].as_str().unwrap();
            let entries = roster.stack.journal.since(0);
            assert!(
                entries
                    .iter()
                    .any(|entry: &Arc<Entry>| is_user_created(entry, id)),
                "{email} was published"
            );
        }
    });
}

/// A sign-up whose process dies is answered with an error, and whatever the client is told, the
/// user is there with its mail or is not there at all.
#[test]
fn a_killed_sign_up_is_whole_or_not_at_all() {
    on_own_stack(&[], async |roster| {
        let sign_up = async |number: usize| {
            let email = unique_email("half");
            let (status, ()) = tokio::join!(
                async {
                    let request = roster.request(reqwest::Method::POST, "/users");
                    let body = crate::support::sign_up_body(&email);
                    roster.send(request.json(&body)).await.status.as_u16()
                },
                async {
                    if number.is_multiple_of(3) {
                        kill(roster, "CreateUser");
                    }
                },
            );
            (email, status)
        };
        let tried: Vec<_> = futures::stream::iter(0..30)
            .map(sign_up)
            .buffer_unordered(5)
            .collect()
            .await;
        roster.settle().await;
        for (email, status) in tried {
            let total = roster
                .get_as_admin(&format!("/users?search={email}"))
                .await
                .body["pagination"]["total"]
                .clone();
            assert!(status == 201 || status == 500 || status == 503, "{status}");
            if status == 201 {
                assert_eq!(total, 1, "{email}");
            }
            assert_eq!(total, roster.mails_to(&email), "{email}: {status}");
        }
    });
}

/// Of what is broken inside a client learns nothing but an id to report.
#[test]
fn a_user_that_cannot_be_read_is_an_internal_error() {
    on_own_stack(&[], async |roster| {
        let ann = roster.newcomer("broken").await;
        // Or an observer of her sign-in finds her broken.
        roster.settle().await;
        let table = &roster.stack.model.tables["UsersTable"].name;
        let item = json!({"pk": {"S": format!("USER#{}", ann.id)}, "sk": {"S": "USER"}});
        let write = json!({"TableName": table, "Item": item});
        roster.database("PutItem", &write).await;
        let answer = roster.get_as_admin(&format!("/users/{}", ann.id)).await;
        assert_eq!(answer.problem(), (500, "internal"));
    });
}
