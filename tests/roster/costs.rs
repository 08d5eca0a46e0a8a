//! What each command costs: `docs/costs.md` says what the local stack counts.

use local::dynamodb::Capacity;
use reqwest::StatusCode;

use crate::support::{Roster, on_own_stack, unique_email};

/// The document with the table.
const DOCUMENT: &str = include_str!("../../docs/costs.md");

/// The rows, as the document spells them.
struct Table<'a> {
    roster: &'a Roster,
    rows: Vec<String>,
}

impl Table<'_> {
    /// Adds the row of a command, which `function` carries out: once to warm up, then counted.
    /// What other functions do meanwhile does not count, so `perform` may prepare what it needs.
    async fn row(&mut self, command: &str, function: &str, perform: impl AsyncFn()) {
        perform().await;
        self.roster.settle().await;
        let calls = self.roster.stack.services.dynamo.calls();
        let before = calls.position();
        perform().await;
        self.roster.settle().await;
        let (mut requests, mut capacity) = (0, Capacity::default());
        for call in calls.since(before) {
            if call.caller == function {
                requests += 1;
                capacity += call.capacity;
            }
        }
        let Capacity { read, write } = capacity;
        self.rows.push(format!(
            "| {command} | {function} | {requests} | {read} | {write} |"
        ));
    }

    /// Panics unless the document has just these rows.
    fn assert_documented(&self) {
        let documented: Vec<_> = DOCUMENT
            .lines()
            .skip_while(|line| !line.starts_with("|---"))
            .skip(1)
            .take_while(|line| line.starts_with('|'))
            .collect();
        let rows = self.rows.join("\n");
        assert_eq!(documented, self.rows, "docs/costs.md should say:\n{rows}");
    }
}

/// A user who signed in; gives address and id.
async fn user(roster: &Roster) -> (String, String) {
    let email = unique_email("costs");
    let signed_up = roster.sign_up(&email).await;
    assert_eq!(signed_up.status, StatusCode::CREATED);
    assert_eq!(roster.sign_in(&email).await.status, StatusCode::CREATED);
    (email, signed_up.body["id"].as_str().unwrap().to_owned())
}

/// A GET by the administrator which succeeds.
async fn get(roster: &Roster, path: &str) {
    assert_eq!(roster.get_as_admin(path).await.status, StatusCode::OK);
}

#[test]
fn the_document_says_what_each_command_costs() {
    on_own_stack(&[], async |roster| {
        let (email, id) = user(roster).await;
        let mut table = Table {
            roster,
            rows: Vec::new(),
        };
        let sign_up = async || {
            let answer = roster.sign_up(&unique_email("costs")).await;
            assert_eq!(answer.status, StatusCode::CREATED);
        };
        table.row("sign up", "CreateUser", sign_up).await;
        let sign_in = async || {
            let answer = roster.sign_in(&email).await;
            assert_eq!(answer.status, StatusCode::CREATED);
        };
        table.row("sign in", "Authenticate", sign_in).await;
        let list = async || get(roster, "/users").await;
        table.row("list users", "ListUsers", list).await;
        let audit = async || get(roster, "/audit-events?limit=5").await;
        let row = "list audit events, a page of 5 lines";
        table.row(row, "ListAuditEvents", audit).await;
        let path = format!("/audit-events?user={id}&type=UserCreated");
        let audit = async || get(roster, &path).await;
        let row = "list audit events of a user, 1 version and 1 line";
        table.row(row, "ListAuditEvents", audit).await;
        table.assert_documented();
    });
}
