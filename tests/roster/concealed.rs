//! Sign-up where it is concealed who has an account.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    openid::{visit, with_provider_under},
    people::Person,
    support::{Answer, PASSWORD, Roster, on_own_stack, sign_up_body, token_in, unique_email},
};

const CONCEALED: (&str, &str) = ("SignUpPolicy", "concealed");
const NEW_PASSWORD: &str = "seven purple kites aloft";
const EVES: &str = "plain granite kettle 47";
const SUBJECT: &str = "Confirm your sign-up at Roster";

/// The token in the mail about a sign-up.
async fn link(roster: &Roster, email: &str) -> String {
    token_in(&roster.mail_about(email, SUBJECT).await, "verify")
}

/// Somebody signs up, proves the address and signs in.
async fn member(roster: &Roster, who: &str) -> Person {
    let email = unique_email(who);
    assert_eq!(roster.sign_up(&email).await.status, 202);
    let body = json!({"token": link(roster, &email).await, "password": PASSWORD});
    assert_eq!(roster.put("/email-verifications", &body).await.status, 204);
    let session = roster.sign_in(&email).await;
    Person {
        id: session.body["user"]["id"].as_str().unwrap().to_owned(),
        token: session.body["accessToken"].as_str().unwrap().to_owned(),
        email,
    }
}

/// All that a client sees of an answer, but for what is new in every answer.
fn seen(answer: &Answer) -> (u16, Value, Vec<(String, String)>) {
    let headers = answer.headers.iter().map(|(name, value)| {
        let is_new = [
            "x-request-id",
            "apigw-requestid",
            "date",
            "content-length",
            "retry-after",
        ]
        .contains(&name.as_str());
        let value = if is_new {
            "…"
        } else {
            value.to_str().unwrap()
        };
        (name.to_string(), value.to_owned())
    });
    let mut body = answer.body.clone();
    for field in ["requestId", "updatedAt", "pendingEmail"] {
        if let Some(value) = body.get_mut(field) {
            *value = json!("…");
        }
    }
    (answer.status.as_u16(), body, headers.collect())
}

/// What somebody who does not read the mail of `email` sees of all that can be asked about it.
async fn interrogate(roster: &Roster, email: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    let guess = |password: &str| json!({"email": email, "password": password});
    let mut sign_up = sign_up_body(email);
    sign_up["password"] = json!(EVES);
    for path in ["/password-resets", "/email-verifications"] {
        for _ in 0..2 {
            answers.push(roster.post("/users", &sign_up).await);
            roster.settle().await;
            answers.push(roster.post("/sessions", &guess(EVES)).await);
            answers.push(
                roster
                    .post(path, &json!({"email": email.to_uppercase()}))
                    .await,
            );
            roster.settle().await;
        }
    }
    for _ in 0..2 {
        let request = roster
            .request(Method::POST, "/users")
            .header("idempotency-key", format!("key-{email}"));
        answers.push(roster.send(request.json(&sign_up)).await);
    }
    // Until the address is locked, and beyond.
    for _ in 0..9 {
        answers.push(roster.post("/sessions", &guess("wrong")).await);
    }
    answers
}

/// The owner of a locked account gets in by mail.
async fn reset(roster: &Roster, email: &str) {
    let mail = roster.mail_about(email, "Choose a new password for Roster");
    let body = json!({"token": token_in(&mail.await, "reset"), "newPassword": NEW_PASSWORD});
    assert_eq!(roster.put("/password-resets", &body).await.status, 200);
}

/// The answer to the third wrong guess at a locked address: were the tally cleared, it would be like the
/// first. The lock may end meanwhile, and begins anew with the first.
async fn guess_until_locked(roster: &Roster, email: &str) -> Answer {
    let guess = json!({"email": email, "password": "wrong"});
    for _ in 0..2 {
        roster.post("/sessions", &guess).await;
    }
    roster.post("/sessions", &guess).await
}

/// What Eve, who has an account, sees when she asks for the address and goes.
async fn ask_for(roster: &Roster, email: &str) -> Vec<Answer> {
    let eve = member(roster, "eve").await;
    let wish = json!({"email": email, "currentPassword": PASSWORD});
    let mut answers = Vec::new();
    for (route, body) in [
        ("PUT /users/me/email", &wish),
        ("DELETE /users/me/email", &Value::Null),
        ("PUT /users/me/email", &wish),
        ("GET /users/me", &Value::Null),
        ("DELETE /users/me", &Value::Null),
    ] {
        let mut answer = roster.call(route, &eve.token, body).await;
        // Eve's own.
        for field in ["id", "email", "createdAt"] {
            if let Some(value) = answer.body.get_mut(field) {
                *value = json!("…");
            }
        }
        answers.push(answer);
        roster.settle().await;
    }
    answers
}

#[test]
fn no_sequence_of_requests_tells_whether_an_address_is_taken() {
    with_provider_under(&[CONCEALED], async |roster, provider, listed| {
        let (taken, free) = (member(roster, "owner").await.email, unique_email("nobody"));
        let mut all = Vec::new();
        for email in [&taken, &free] {
            let mut answers = interrogate(roster, email).await;
            if *email == taken {
                reset(roster, email).await;
            }
            answers.push(guess_until_locked(roster, email).await);
            answers.extend(ask_for(roster, email).await);
            provider.knows("eve", json!({"email": email, "email_verified": false}));
            let mut authorization = visit(listed, "eve").await;
            authorization["strategy"] = json!("oidc");
            answers.push(roster.post("/sessions", &authorization).await);
            all.push(answers.iter().map(seen).collect::<Vec<_>>());
        }
        for (step, (taken, free)) in all[0].iter().zip(&all[1]).enumerate() {
            assert_eq!(taken, free, "step {step}");
        }
        assert!(
            all[0].iter().any(|(status, ..)| *status == 429),
            "locked alike"
        );

        let body = json!({"email": taken, "name": "Ann Example"});
        let told = roster.call_as_admin("POST /users", &body).await;
        assert_eq!(
            told.problem(),
            (409, "email-taken"),
            "administrators are told"
        );
    });
}

#[test]
fn a_sign_up_is_no_account_before_the_proof() {
    on_own_stack(&[CONCEALED], async |roster| {
        let email = unique_email("waiting");
        let first = roster.sign_up(&email).await;
        assert_eq!(
            (first.status.as_u16(), &first.body),
            (202, &json!({"status": "accepted"}))
        );
        let token = link(roster, &email).await;
        assert_eq!(roster.sign_in(&email).await.status, 401);
        let search = format!("/users?search={email}");
        let found = roster.get_as_admin(&search).await;
        assert_eq!(found.body["pagination"]["total"], 0);

        let prove = async |body: &Value| roster.put("/email-verifications", body).await;
        let bare = prove(&json!({"token": token})).await;
        assert_eq!(bare.problem(), (401, "proof-required"));
        let wrong = prove(&json!({"token": token, "password": "wrong"})).await;
        assert_eq!(wrong.problem(), (401, "invalid-credentials"));
        let right = prove(&json!({"token": token, "password": PASSWORD})).await;
        assert_eq!(right.status, 204);
        let session = roster.sign_in(&email).await;
        assert_eq!(session.body["user"]["emailVerified"], true);
        assert_eq!(session.body["user"]["name"], "Ann Example");

        roster.sign_up(&email.to_uppercase()).await;
        let notice = roster.mail_about(&email, "Your account at Roster").await;
        assert!(!notice.text.unwrap().contains("#token="));
    });
}

/// Several may be open for one address, a stranger's among them.
#[test]
fn of_several_sign_ups_the_first_to_be_proven_wins() {
    on_own_stack(&[CONCEALED], async |roster| {
        let email = unique_email("several");
        let mut tokens = Vec::new();
        for _ in 0..3 {
            roster.sign_up(&email).await;
            roster.settle().await;
            tokens.push(token_in(&roster.mails(&email).pop().unwrap(), "verify"));
        }
        let disown = roster.request(Method::DELETE, "/email-verifications");
        let disown = roster.send(disown.json(&json!({"token": tokens[0]}))).await;
        assert_eq!(disown.status, 204);
        let chosen = json!({"token": tokens[1], "newPassword": NEW_PASSWORD, "name": "Ann"});
        let begun = roster.put("/email-verifications", &chosen).await;
        assert_eq!(begun.status, 201, "{:?}", begun.body);
        assert_eq!(begun.body["user"]["name"], "Ann");
        assert_eq!(
            roster.sign_in(&email).await.status,
            401,
            "the stranger's password"
        );
        for token in [&tokens[0], &tokens[2]] {
            let late = json!({"token": token, "password": PASSWORD});
            let late = roster.put("/email-verifications", &late).await;
            assert_eq!(late.problem(), (410, "token-expired"));
        }
        roster.token(&email, NEW_PASSWORD).await;
    });
}

#[test]
fn a_sign_up_of_somebody_who_is_invited_mails_the_invitation_again() {
    on_own_stack(&[CONCEALED], async |roster| {
        let (email, free) = (unique_email("invited"), unique_email("free"));
        let body = json!({"email": email, "name": "Ann Example"});
        let invited = roster.call_as_admin("POST /users", &body).await;
        assert_eq!(invited.status, 201);
        roster.settle().await;
        let answers = [roster.sign_up(&email).await, roster.sign_up(&free).await];
        assert_eq!(answers[0].status, 202);
        assert_eq!(seen(&answers[0]), seen(&answers[1]));
        roster.settle().await;
        let mails = roster.mails(&email);
        let tokens: Vec<_> = mails
            .iter()
            .map(|mail| token_in(mail, "invitation"))
            .collect();
        assert_eq!(tokens, [tokens[0].as_str(); 2], "the same link again");
        let body = json!({"token": tokens[1], "newPassword": NEW_PASSWORD});
        let accepted = roster.put("/email-verifications", &body).await;
        assert_eq!(accepted.status, 201);
        assert_eq!(accepted.body["user"]["id"], invited.body["id"]);
    });
}

/// What the relay reads of the sessions table is whole items, so no hash may stand there.
#[test]
fn no_password_of_a_waiting_sign_up_is_in_the_stream_which_the_relay_reads() {
    on_own_stack(&[CONCEALED], async |roster| {
        let (kept, gone) = (unique_email("kept"), unique_email("gone"));
        for email in [&kept, &gone] {
            assert_eq!(roster.sign_up(email).await.status, 202);
        }
        let items = async |table: &str| {
            let name = &roster.stack.model.tables[table].name;
            let scanned = roster.database("Scan", &json!({"TableName": name})).await;
            scanned["Items"].as_array().unwrap().clone()
        };
        let waiting = async || {
            let mut items = items("UsersTable").await;
            items.retain(|item| item["sk"]["S"] == "SIGN-UP");
            items
        };
        let of_sessions = json!(items("SessionsTable").await).to_string();
        assert!(of_sessions.contains(&kept), "the request is there");
        assert!(!of_sessions.contains("$argon2"), "{of_sessions}");
        let hashes = waiting().await;
        assert_eq!(hashes.len(), 2, "{hashes:?}");
        for item in hashes {
            let hash = item["passwordHash"]["S"].as_str().unwrap();
            assert!(hash.starts_with("$argon2id$"), "{item}");
            assert!(item["ttl"]["N"].is_string(), "{item}");
        }

        let body = json!({"token": link(roster, &kept).await, "password": PASSWORD});
        assert_eq!(roster.put("/email-verifications", &body).await.status, 204);
        let body = json!({"token": link(roster, &gone).await});
        let disowned = roster.request(Method::DELETE, "/email-verifications");
        assert_eq!(roster.send(disowned.json(&body)).await.status, 204);
        assert_eq!(waiting().await.len(), 0, "both hashes are gone");
    });
}
