//! Users and logins that do not fit together, as after a restore, are found and mended.

use cli::{Check, Target};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{ADMIN, PASSWORD, Roster, on_own_stack, template, token_in};

/// `cargo roster check`: what it says, and whether all is well then.
async fn check(roster: &Roster, repair: bool) -> (bool, String) {
    let command = Check {
        repair,
        target: Target {
            endpoint: roster.stack.dynamodb_url.clone(),
            data: None,
            aws: false,
            template: template(),
        },
    };
    match Box::pin(command.run()).await {
        Ok(told) => (true, told),
        Err(error) => (false, format!("{error:#}")),
    }
}

fn login(email: &str) -> Value {
    json!({"pk": {"S": format!("LOGIN#email#{email}")}, "sk": {"S": "LOGIN"}})
}

fn user(id: &str) -> Value {
    json!({"pk": {"S": format!("USER#{id}")}, "sk": {"S": "USER"}})
}

/// Somebody writes to the table of users past Roster.
async fn write(roster: &Roster, operation: &str, mut body: Value) -> Value {
    body["TableName"] = json!("UsersTable");
    roster.database(operation, &body).await
}

async fn update(roster: &Roster, key: &Value, expression: &str, values: &Value) {
    let body = json!({
        "Key": key,
        "UpdateExpression": expression,
        "ExpressionAttributeValues": values,
    });
    write(roster, "UpdateItem", body).await;
}

async fn delete(roster: &Roster, key: &Value) {
    write(roster, "DeleteItem", json!({"Key": key})).await;
}

async fn sign_up(roster: &Roster, email: &str) -> String {
    let answer = roster.sign_up(email).await;
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn signs_in(roster: &Roster, email: &str) -> StatusCode {
    roster.sign_in(email).await.status
}

#[test]
fn what_has_one_right_answer_is_mended_and_nothing_else() {
    on_own_stack(&[], async |roster| {
        assert!(check(roster, false).await.1.contains("they fit together"));
        let ann = sign_up(roster, "ann@example.com").await;
        let bob = sign_up(roster, "bob@example.com").await;
        let eve = sign_up(roster, "eve@example.com").await;
        roster.settle().await;
        let (is_well, told) = check(roster, false).await;
        assert!(
            is_well && told == "checked 4 users and 4 logins: they fit together",
            "{told}"
        );

        // Ann's login was not restored, and Bob's is with Eve. Somebody's login was, who was not.
        delete(roster, &login("ann@example.com")).await;
        let stranger = json!({":user": {"S": eve}});
        update(
            roster,
            &login("bob@example.com"),
            "SET userId = :user",
            &stranger,
        )
        .await;
        let nobody = json!({":user": {"S": "019b76da-a800-7d04-a475-4498e06db5a1"}});
        update(
            roster,
            &login("cid@example.com"),
            "SET userId = :user",
            &nobody,
        )
        .await;
        // The directory does not find Eve, and there are not seven administrators.
        let elsewhere = json!({":feed": {"S": "FEED#99"}});
        update(roster, &user(&eve), "SET feed = :feed", &elsewhere).await;
        let seven = json!({"pk": {"S": "ADMINS"}, "sk": {"S": "COUNT"}, "count": {"N": "7"}});
        write(roster, "PutItem", json!({"Item": seven})).await;
        assert_ne!(
            signs_in(roster, "ann@example.com").await,
            StatusCode::CREATED
        );

        let wrong = [
            format!("login email#ann@example.com of {ann} is not there"),
            format!("login email#bob@example.com of {bob} is with {eve}, who does not have it"),
            "login email#cid@example.com is the one of 019b76da-a800-7d04-a475-4498e06db5a1, who does not have it"
                .to_owned(),
            format!("user {eve} is not in the feed"),
            "7 active administrators are counted, and 1 are there".to_owned(),
        ];
        for _ in 0..2 {
            let (is_well, told) = check(roster, false).await;
            assert!(!is_well, "a dry run mends nothing");
            assert!(
                told.contains("5 do not fit, 5 of which --repair can mend"),
                "{told}"
            );
            for line in &wrong {
                assert!(told.contains(line), "{line}: {told}");
            }
        }
        let (is_well, told) = check(roster, true).await;
        assert!(is_well && told.contains("mended 5"), "{told}");
        let (is_well, told) = check(roster, true).await;
        assert!(is_well && told.contains("they fit together"), "{told}");

        // Nobody gets in by a password which may be another's; a reset sets the next.
        for email in ["ann@example.com", "bob@example.com"] {
            assert_eq!(signs_in(roster, email).await, StatusCode::UNAUTHORIZED);
            reset(roster, email).await;
            assert_eq!(signs_in(roster, email).await, StatusCode::CREATED);
        }
        assert_eq!(
            roster.sign_up("cid@example.com").await.status,
            StatusCode::CREATED
        );
        let found = roster.get_as_admin("/users?search=eve").await.body;
        assert_eq!(found["data"][0]["id"], json!(eve), "{found}");
        assert_eq!(signs_in(roster, ADMIN).await, StatusCode::CREATED);
    });
}

async fn reset(roster: &Roster, email: &str) {
    roster
        .post("/password-resets", &json!({"email": email}))
        .await;
    let mail = roster
        .mail_about(email, "Choose a new password for Roster")
        .await;
    let body = json!({"token": token_in(&mail, "reset"), "newPassword": PASSWORD});
    let answer = roster.put("/password-resets", &body).await;
    assert!(answer.status.is_success(), "{answer:?}");
}

#[test]
fn what_has_no_right_answer_is_told_and_left() {
    on_own_stack(&[], async |roster| {
        let ann = sign_up(roster, "ann@example.com").await;
        let bob = sign_up(roster, "bob@example.com").await;
        let eve = sign_up(roster, "eve@example.com").await;
        roster.settle().await;
        // Both say that Ann's address is theirs; Bob's history ends before he does; Eve is not readable.
        let both = json!({":logins": {"L": [
            {"S": "email#bob@example.com"},
            {"S": "email#ann@example.com"},
        ]}});
        update(roster, &user(&bob), "SET logins = :logins", &both).await;
        let entry = json!({"pk": {"S": format!("USER#{bob}")}, "sk": {"S": "EVENT#000000000001"}});
        delete(roster, &entry).await;
        update(
            roster,
            &user(&eve),
            "SET version = :v",
            &json!({":v": {"S": "one"}}),
        )
        .await;

        let before = write(roster, "Scan", json!({})).await;
        for repair in [false, true] {
            let (is_well, told) = check(roster, repair).await;
            assert!(!is_well);
            for line in [
                format!("login email#ann@example.com is claimed by {ann} and {bob}"),
                format!("user {bob} is at version 1, and the history lacks it"),
                format!("item USER#{eve} USER is not readable"),
            ] {
                assert!(told.contains(&line), "{line}: {told}");
            }
            let count = if repair {
                "3 are left"
            } else {
                "3 do not fit, 0 of which"
            };
            assert!(told.contains(count), "{told}");
        }
        assert_eq!(write(roster, "Scan", json!({})).await, before);
    });
}
