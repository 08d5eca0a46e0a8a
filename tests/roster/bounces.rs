//! What becomes of mails, and what follows for the next ones.

use reqwest::Client;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Roster, on_shared_stack, unique_email};

const RESET: &str = "Choose a new password for Roster";

/// Signs up at an address of the mailbox simulator, and reads the user as the administrator.
async fn sign_up(roster: &Roster, email: &str) -> String {
    let created = roster.sign_up(email).await;
    assert_eq!(created.status, 201, "{created:?}");
    roster.settle().await;
    created.body["id"].as_str().unwrap().to_owned()
}

fn simulated(kind: &str) -> String {
    unique_email(&format!("{kind}+")).replace("@example.com", "@simulator.amazonses.com")
}

/// What the administrator sees of the user's mail.
async fn state(roster: &Roster, id: &str) -> Value {
    let user = roster.get_as_admin(&format!("/users/{id}")).await;
    user.body["mail"]["state"].clone()
}

/// How many mails went there after somebody asked for a reset.
async fn mails_after_reset(roster: &Roster, email: &str) -> usize {
    let body = json!({"email": email});
    assert_eq!(roster.post("/password-resets", &body).await.status, 202);
    roster.settle().await;
    roster.mails_to(email)
}

/// Chooses by the console's API what becomes of mails to the address.
async fn choose(roster: &Roster, email: &str, outcome: &str) {
    let url = format!("{}/api/mailboxes/{email}", roster.stack.console_url);
    let request = Client::new().put(url).json(&json!({"outcome": outcome}));
    assert_eq!(request.send().await.unwrap().status(), 204);
}

#[test]
fn a_hard_bounce_stops_all_mails_until_an_administrator_lifts_it() {
    on_shared_stack(async |roster| {
        for kind in ["bounce", "suppressionlist"] {
            let email = simulated(kind);
            let id = sign_up(roster, &email).await;
            assert_eq!(roster.mails_to(&email), 1, "the welcome, which bounced");
            assert_eq!(state(roster, &id).await, "suppressed");
            assert_eq!(mails_after_reset(roster, &email).await, 1);
            let token = roster.token(&email, PASSWORD).await;
            let own = roster.call("GET /users/me", &token, &Value::Null).await;
            assert!(own.body.get("mail").is_none(), "for administrators");

            let lift = format!("DELETE /users/{id}/mail-suppression");
            for _ in 0..2 {
                let lifted = roster.call_as_admin(&lift, &Value::Null).await;
                assert_eq!(lifted.status, 204, "{lifted:?}");
            }
            assert_eq!(state(roster, &id).await, Value::Null);
            assert_eq!(mails_after_reset(roster, &email).await, 2);
            assert_eq!(state(roster, &id).await, "suppressed", "it bounced again");
            let kind = "UserMailSuppressionLifted";
            let audit = format!("/audit-events?user={id}&type={kind}");
            let events = roster.get_as_admin(&audit).await;
            assert_eq!(events.body["data"].as_array().unwrap().len(), 1);
        }
    });
}

#[test]
fn a_complaint_stops_notices_and_no_reset() {
    on_shared_stack(async |roster| {
        let email = simulated("complaint");
        let id = sign_up(roster, &email).await;
        assert_eq!(state(roster, &id).await, "complained");
        let token = roster.token(&email, PASSWORD).await;
        let body = json!({"currentPassword": PASSWORD, "newPassword": "seven purple kites aloft"});
        let changed = roster.call("PUT /users/me/password", &token, &body).await;
        assert!(changed.status.is_success(), "{changed:?}");
        roster.settle().await;
        assert_eq!(roster.mails_to(&email), 1, "the welcome alone");
        assert_eq!(mails_after_reset(roster, &email).await, 2);
        let mail = roster.mails(&email).pop().unwrap();
        assert_eq!(mail.subject, RESET);
    });
}

#[test]
fn a_soft_bounce_and_a_reject_stop_nothing() {
    on_shared_stack(async |roster| {
        for outcome in ["soft-bounce", "reject"] {
            let email = unique_email("told");
            choose(roster, &email, outcome).await;
            let id = sign_up(roster, &email).await;
            assert_eq!(state(roster, &id).await, Value::Null, "{outcome}");
            assert_eq!(mails_after_reset(roster, &email).await, 2, "{outcome}");
        }
    });
}

#[test]
fn no_address_is_kept_of_what_bounced() {
    on_shared_stack(async |roster| {
        let email = simulated("bounce");
        let id = sign_up(roster, &email).await;
        assert_eq!(state(roster, &id).await, "suppressed");
        let table = &roster.stack.model.tables["SessionsTable"].name;
        let scanned = roster.database("Scan", &json!({"TableName": table})).await;
        let items = scanned["Items"].as_array().unwrap();
        let mailboxes = items.iter().filter(|item| item["sk"]["S"] == "MAILBOX");
        let text = mailboxes.map(Value::to_string).collect::<String>();
        assert!(text.contains("bouncedAt") && !text.contains("simulator"));
    });
}
