//! The first administrator, where administrators alone make users.

use cli::{FirstAdmin, Target};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Roster, on_new_stack, template, token_in};

/// The address, as the operator wrote it and as it is.
const PARAMETERS: [(&str, &str); 2] = [
    ("SignUpPolicy", "admin"),
    ("FirstAdminEmail", "First@Example.com"),
];
const FIRST: &str = "first@example.com";
const OTHER: &str = "other@example.com";
const SUBJECT: &str = "You are invited to Roster";

async fn ask(roster: &Roster, email: &str) {
    let asked = roster
        .post("/password-resets", &json!({"email": email}))
        .await;
    assert_eq!(asked.status, 202);
    roster.settle().await;
}

async fn accept(roster: &Roster, token: &str) -> Answer {
    let body = json!({"token": token, "newPassword": PASSWORD});
    roster.put("/email-verifications", &body).await
}

/// `cargo roster first-admin`.
async fn command(roster: &Roster, email: &str) -> Result<String, String> {
    let command = FirstAdmin {
        email: Some(email.to_owned()),
        target: Target {
            endpoint: roster.stack.dynamodb_url.clone(),
            data: None,
            aws: false,
            template: template(),
        },
    };
    let outcome = Box::pin(command.run()).await;
    roster.settle().await;
    outcome.map_err(|error| format!("{error:#}"))
}

#[test]
fn a_reset_invites_the_first_administrator() {
    on_new_stack(&PARAMETERS, async |roster| {
        ask(roster, OTHER).await;
        assert_eq!(roster.mails_to(OTHER), 0);
        for count in 1..=2 {
            ask(roster, FIRST).await;
            assert_eq!(roster.mails_to(FIRST), count);
        }
        let mails = roster.mails(FIRST);
        assert!(mails.iter().all(|mail| mail.subject == SUBJECT));
        let tokens: Vec<_> = mails
            .iter()
            .map(|mail| token_in(mail, "invitation"))
            .collect();
        assert_eq!(tokens[0], tokens[1], "who asks again voids nothing");

        // The link alone appoints nobody.
        let bare = json!({"token": tokens[0]});
        let refused = roster.put("/email-verifications", &bare).await;
        assert_eq!(refused.problem(), (401, "proof-required"));
        let session = accept(roster, &tokens[0]).await;
        assert_eq!(session.status, 201, "{:?}", session.body);
        assert_eq!(session.body["user"]["roles"], json!(["admin"]));
        let access = session.body["accessToken"].as_str().unwrap();
        let body = json!({"email": OTHER, "name": "Other"});
        let invited = roster.call("POST /users", access, &body).await;
        assert_eq!(invited.status, 201);

        // From now on the address is nothing special.
        let refused = command(roster, FIRST).await;
        let expected = "there is an administrator, who may invite";
        assert_eq!(refused, Err(expected.to_owned()));
        ask(roster, FIRST).await;
        let mail = roster.mails(FIRST).pop().unwrap();
        assert_eq!(mail.subject, "Choose a new password for Roster");
        ask(roster, OTHER).await;
        assert_eq!(roster.mails_to(OTHER), 1, "the invitation");
    });
}

#[test]
fn the_command_invites_the_first_administrator() {
    on_new_stack(&PARAMETERS, async |roster| {
        let told = command(roster, "FIRST@example.com").await;
        assert_eq!(told, Ok(format!("invited {FIRST}: see the mail")));
        let mail = roster.mails(FIRST).pop().unwrap();
        assert_eq!(mail.subject, SUBJECT);
        let early = command(roster, FIRST).await;
        assert!(early.is_err(), "within a minute: {early:?}");
        let session = accept(roster, &token_in(&mail, "invitation")).await;
        assert_eq!(session.body["user"]["roles"], json!(["admin"]));
        let access = session.body["accessToken"].as_str().unwrap();
        let users = roster.call("GET /users", access, &Value::Null).await;
        assert_eq!(users.body["pagination"]["total"], 1);
    });
}

#[test]
fn the_command_says_who_has_the_address() {
    on_new_stack(&[("FirstAdminEmail", FIRST)], async |roster| {
        roster.sign_up(FIRST).await;
        let expected =
            format!("{FIRST} has an account: ask for a reset of its password, which appoints");
        assert_eq!(command(roster, FIRST).await, Err(expected));
        let wrong = command(roster, "first@").await;
        assert_eq!(wrong, Err("--email is not an e-mail address".to_owned()));
    });
}
