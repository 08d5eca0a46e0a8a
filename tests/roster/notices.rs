//! Mails that tell of what lets into an account.

use serde_json::{Value, json};

use crate::{
    openid::{visit, with_provider},
    people::Person,
    support::{PASSWORD, Roster, on_shared_stack, token_in, unique_email},
};

const NEW_PASSWORD: &str = "seven purple kites aloft";
const PASSWORD_CHANGED: &str = "Your password at Roster was changed";
const NEW_DEVICE: &str = "New sign-in at Roster";

/// Waits for the notice, which greets the user and holds no link.
async fn notice(roster: &Roster, email: &str, subject: &str) {
    let mail = roster.mail_about(email, subject).await;
    let text = mail.text.unwrap();
    assert!(text.contains("Hello Ann Example,"), "{text}");
    assert!(!text.contains("token=") && text.contains(" UTC"), "{text}");
}

/// How many mails about this went to the address.
async fn count(roster: &Roster, email: &str, subject: &str) -> usize {
    roster.settle().await;
    let mails = roster.mails(email).into_iter();
    mails.filter(|mail| mail.subject == subject).count()
}

/// Chooses a password by the mailed link.
async fn choose_by_link(roster: &Roster, ann: &Person, subject: &str) {
    let mail = roster.mail_about(&ann.email, subject).await;
    let body = json!({"token": token_in(&mail, "reset"), "newPassword": NEW_PASSWORD});
    assert_eq!(roster.put("/password-resets", &body).await.status, 200);
}

#[test]
fn a_changed_password_is_told() {
    on_shared_stack(async |roster| {
        let ann = roster.proven("changes").await;
        let body = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
        let route = "PUT /users/me/password";
        let changed = roster.call(route, &ann.token, &body).await;
        assert!(changed.status.is_success(), "{changed:?}");
        notice(roster, &ann.email, PASSWORD_CHANGED).await;
        assert_eq!(count(roster, &ann.email, PASSWORD_CHANGED).await, 1);
    });
}

#[test]
fn a_completed_reset_and_a_completed_recovery_are_told() {
    on_shared_stack(async |roster| {
        let ann = roster.proven("resets").await;
        let body = json!({"email": ann.email});
        roster.post("/password-resets", &body).await;
        choose_by_link(roster, &ann, "Choose a new password for Roster").await;
        notice(roster, &ann.email, PASSWORD_CHANGED).await;

        let bob = roster.proven("recovers").await;
        let route = format!("POST /users/{}/recovery", bob.id);
        let started = roster.call_as_admin(&route, &Value::Null).await;
        assert_eq!(started.status, 202);
        choose_by_link(roster, &bob, "Your account at Roster is being recovered").await;
        notice(roster, &bob.email, PASSWORD_CHANGED).await;
    });
}

#[test]
fn the_first_password_of_an_account_is_no_news() {
    on_shared_stack(async |roster| {
        let email = unique_email("invited");
        let body = json!({"email": email, "name": "Ann Example"});
        let invited = roster.call_as_admin("POST /users", &body).await;
        assert_eq!(invited.status, 201, "{invited:?}");
        let mail = roster.mail_about(&email, "You are invited to Roster").await;
        let body = json!({"token": token_in(&mail, "invitation"), "newPassword": PASSWORD});
        let accepted = roster.put("/email-verifications", &body).await;
        assert!(accepted.status.is_success(), "{accepted:?}");
        assert_eq!(count(roster, &email, PASSWORD_CHANGED).await, 0);
        assert_eq!(count(roster, &email, NEW_DEVICE).await, 0);
    });
}

#[test]
fn a_linked_and_an_unlinked_identity_are_told() {
    with_provider(async |roster, provider, listed| {
        let claims = json!({"email": "other@example.com", "email_verified": true});
        provider.knows("linked", claims);
        let ann = roster.proven("links").await;
        let authorization = visit(listed, "linked").await;
        let link = "POST /users/me/identities";
        let linked = roster.call(link, &ann.token, &authorization).await;
        assert_eq!(linked.status, 201, "{linked:?}");
        let added = "Another way to sign in at Roster was added";
        notice(roster, &ann.email, added).await;

        let id = linked.body["id"].as_str().unwrap();
        let unlink = format!("DELETE /users/me/identities/{id}");
        let token = roster.token(&ann.email, PASSWORD).await;
        let unlinked = roster.call(&unlink, &token, &Value::Null).await;
        assert_eq!(unlinked.status, 204, "{unlinked:?}");
        notice(roster, &ann.email, "A way to sign in at Roster was removed").await;
        assert_eq!(count(roster, &ann.email, added).await, 1);
    });
}

#[test]
fn a_new_device_is_told_once_a_day_and_a_known_one_never() {
    on_shared_stack(async |roster| {
        let ann = roster.proven("devices").await;
        assert_eq!(count(roster, &ann.email, NEW_DEVICE).await, 0, "the first");
        let first = roster.sign_in(&ann.email).await.body;
        notice(roster, &ann.email, NEW_DEVICE).await;
        roster.sign_in(&ann.email).await;
        assert_eq!(count(roster, &ann.email, NEW_DEVICE).await, 1, "a day");

        let bob = roster.proven("known").await;
        let body = json!({"email": bob.email, "password": PASSWORD});
        let known = roster.post("/sessions", &body).await;
        let mails = count(roster, &bob.email, NEW_DEVICE).await;
        let mut body = body;
        body["deviceToken"] = known.body["deviceToken"].clone();
        assert_eq!(roster.post("/sessions", &body).await.status, 201);
        assert_eq!(count(roster, &bob.email, NEW_DEVICE).await, mails);
        let started = |token: &Value| {
            let entries = roster.stack.journal.since(0);
            let events = entries.iter().filter_map(|entry| match &entry.happening {
                local::journal::Happening::Event { event, .. } => Some(event["detail"].clone()),
                _ => None,
            });
            let mut of_user = events.filter(|event| {
                event["type"] == "SessionStarted" && event["subject"] == token["user"]["id"]
            });
            of_user.next_back().unwrap()["data"]["newDevice"].clone()
        };
        assert_eq!(started(&known.body), Value::Null, "told as known");
        assert_eq!(started(&first), json!(true));
    });
}

#[test]
fn every_mail_says_that_a_machine_sent_it() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("machine").await;
        let mail = roster.mail_to(&ann.email).await;
        assert_eq!(mail.headers["Auto-Submitted"], "auto-generated");
    });
}

#[test]
fn the_welcome_of_who_came_by_a_provider_speaks_of_no_password() {
    with_provider(async |roster, provider, listed| {
        let email = unique_email("relay");
        provider.knows("relay", json!({"email": email, "email_verified": true}));
        let mut authorization = visit(listed, "relay").await;
        authorization["strategy"] = json!("oidc");
        assert_eq!(roster.post("/sessions", &authorization).await.status, 201);
        let mail = roster.mail_about(&email, "Welcome to Roster").await;
        for part in [mail.text, mail.html] {
            assert!(!part.unwrap().to_lowercase().contains("password"));
        }
    });
}
