//! `POST /users`.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{
    PASSWORD, on_own_stack, on_shared_stack, sign_up_body, token_in, unique_email,
};

#[test]
fn a_sign_up_leads_to_a_mail_a_login_and_a_line_in_the_list() {
    on_shared_stack(async |roster| {
        let email = unique_email("tour");
        let created = roster.sign_up(&email).await;
        assert_eq!(created.status, StatusCode::CREATED);
        let id = created.body["id"].as_str().unwrap();
        assert_eq!(
            created.header("location"),
            Some(format!("/users/{id}").as_str())
        );
        assert_eq!(created.header("etag"), Some("\"1\""));

        let mail = roster.mail_to(&email).await;
        assert_eq!(mail.subject, "Welcome to Roster");
        let text = mail.text.unwrap();
        assert!(
            text.contains("Welcome\n") && !text.contains("Ann Example"),
            "{text}"
        );

        let session = roster.sign_in(&email).await;
        assert_eq!(session.status, StatusCode::CREATED);
        assert_eq!(session.body["user"], created.body);

        let list = roster.get_as_admin(&format!("/users?search={email}")).await;
        assert_eq!(list.body["data"], json!([created.body]));
    });
}

#[test]
fn an_address_in_other_letters_is_taken() {
    on_shared_stack(async |roster| {
        let email = unique_email("letters");
        assert_eq!(roster.sign_up(&email).await.status, StatusCode::CREATED);
        let again = roster.sign_up(&email.to_uppercase()).await;
        assert_eq!(again.problem(), (409, "email-taken"));
        roster.settle().await;
        assert_eq!(roster.mails_to(&email), 1);
    });
}

#[test]
fn of_a_hundred_parallel_sign_ups_with_one_address_one_wins() {
    on_shared_stack(async |roster| {
        let email = unique_email("race");
        let answers = futures::future::join_all((0..100).map(|_| roster.sign_up(&email))).await;
        let count = |status: StatusCode| {
            answers
                .iter()
                .filter(|answer| answer.status == status)
                .count()
        };
        assert_eq!(
            (count(StatusCode::CREATED), count(StatusCode::CONFLICT)),
            (1, 99)
        );
        roster.settle().await;
        assert_eq!(roster.mails_to(&email), 1);
        let list = roster.get_as_admin(&format!("/users?search={email}")).await;
        assert_eq!(list.body["pagination"]["total"], 1);
    });
}

#[test]
fn every_wrong_field_is_named_at_once() {
    on_shared_stack(async |roster| {
        let long = "a".repeat(101);
        for (body, expected) in [
            (
                json!({}),
                vec![
                    ("/email", "required"),
                    ("/name", "required"),
                    ("/password", "required"),
                ],
            ),
            (
                json!({"email": "ann@", "name": " ", "password": "short"}),
                vec![
                    ("/email", "invalid-email"),
                    ("/name", "required"),
                    ("/password", "too-short"),
                ],
            ),
            (
                json!({"email": 1, "name": long, "password": "short", "roles": ["admin"]}),
                vec![
                    ("/email", "wrong-type"),
                    ("/name", "too-long"),
                    ("/password", "too-short"),
                    ("/roles", "unknown-field"),
                ],
            ),
            (
                json!({"email": "ann@example.com", "name": "Ann", "password": "password1"}),
                vec![("/password", "too-weak")],
            ),
            (
                json!({"email": "ann@example.com", "name": "Ann", "password": "x".repeat(129)}),
                vec![("/password", "too-long")],
            ),
        ] {
            let answer = roster.post("/users", &body).await;
            assert_eq!(answer.problem(), (422, "invalid"));
            assert_eq!(
                answer.header("content-type"),
                Some("application/problem+json")
            );
            assert_eq!(
                answer.body["requestId"].as_str(),
                answer.header("x-request-id")
            );
            let errors = answer.body["errors"].as_array().unwrap();
            let named: Vec<_> = errors
                .iter()
                .map(|error| {
                    (
                        error["pointer"].as_str().unwrap(),
                        error["code"].as_str().unwrap(),
                    )
                })
                .collect();
            assert_eq!(named, expected);
        }
    });
}

#[test]
fn what_no_mail_can_reach_and_what_nobody_can_see_is_refused() {
    on_shared_stack(async |roster| {
        for (pointer, code, text) in [
            ("/email", "invalid-email", "jos\u{e9}@example.com"),
            ("/email", "invalid-email", "\u{430}nn@example.com"),
            ("/email", "invalid-email", "ann@192.0.2.1"),
            ("/email", "invalid-email", "ann@[192.0.2.1]"),
            ("/email", "invalid-email", "a..b@example.com"),
            ("/email", "invalid-email", "\u{200b}ann@example.com"),
            ("/email", "invalid-email", "an\u{ad}n@example.com"),
            ("/name", "required", "\u{200b}\u{200b}"),
            ("/name", "required", "\u{3164}"),
            ("/name", "required", "\u{2800}"),
            ("/name", "invalid-name", "Ann\u{200e}"),
        ] {
            let mut body = sign_up_body(&unique_email("unseen"));
            body[&pointer[1..]] = text.into();
            let answer = roster.post("/users", &body).await;
            assert_eq!(answer.problem(), (422, "invalid"), "{text:?}");
            let error = &answer.body["errors"][0];
            assert_eq!(
                (&error["pointer"], &error["code"]),
                (&pointer.into(), &code.into())
            );
        }
        let pasted = json!({"email": "\u{200b}admin@example.com", "password": PASSWORD});
        let answer = roster.post("/sessions", &pasted).await;
        assert_eq!(answer.problem(), (422, "invalid"), "not: a wrong password");
    });
}

#[test]
fn a_repetition_with_the_same_key_gives_the_first_answer() {
    on_shared_stack(async |roster| {
        let email = unique_email("key");
        let post = async |body: &serde_json::Value| {
            let request = roster
                .request(Method::POST, "/users")
                .header("idempotency-key", email.clone());
            roster.send(request.json(body)).await
        };
        let first = post(&sign_up_body(&email)).await;
        assert_eq!(first.status, StatusCode::CREATED);
        let again = post(&sign_up_body(&email)).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(again.header("location"), first.header("location"));
        let of_a_stranger = post(&sign_up_body(&unique_email("other"))).await;
        assert_eq!(of_a_stranger.status, StatusCode::CREATED);
        roster.settle().await;
        assert_eq!(roster.mails_to(&email), 1);
    });
}

#[test]
fn a_repetition_after_the_erasure_finds_nobody() {
    on_shared_stack(async |roster| {
        let (key, email) = (unique_email("key"), unique_email("gone"));
        let invite = async |email: &str| {
            let request = roster
                .request(Method::POST, "/users")
                .header("idempotency-key", key.clone())
                .bearer_auth(roster.admin().await);
            let body = json!({"email": email, "name": "Eve Example"});
            roster.send(request.json(&body)).await
        };
        let first = invite(&email).await;
        assert_eq!(first.status, StatusCode::CREATED);
        let other = invite(&unique_email("other")).await;
        assert_eq!(other.problem(), (422, "idempotency-key-reused"));
        let erase = format!("DELETE /users/{}", first.body["id"].as_str().unwrap());
        let erased = roster.call_as_admin(&erase, &serde_json::Value::Null).await;
        assert_eq!(erased.status, StatusCode::NO_CONTENT);
        assert_eq!(invite(&email).await.problem(), (404, "not-found"));
    });
}

#[test]
fn parallel_repetitions_make_one_user() {
    on_shared_stack(async |roster| {
        let email = unique_email("parallel");
        let repeat = async |_| {
            let request = roster
                .request(Method::POST, "/users")
                .header("idempotency-key", email.clone());
            roster.send(request.json(&sign_up_body(&email))).await
        };
        let answers = futures::future::join_all((0..10).map(repeat)).await;
        let created: Vec<_> = answers
            .iter()
            .filter(|answer| answer.status == StatusCode::CREATED)
            .collect();
        assert!(!created.is_empty());
        for answer in &answers {
            match answer.status {
                StatusCode::CREATED => assert_eq!(answer.body, created[0].body),
                _ => assert_eq!(answer.problem(), (409, "still-running")),
            }
        }
    });
}

#[test]
fn only_administrators_create_users_under_the_admin_policy() {
    on_own_stack(&[("SignUpPolicy", "admin")], async |roster| {
        let email = unique_email("policy");
        assert_eq!(
            roster.sign_up(&email).await.problem(),
            (401, "unauthenticated")
        );
        let body = json!({"email": email, "name": "Eve Example"});
        let created = roster.call_as_admin("POST /users", &body).await;
        assert_eq!(created.status, StatusCode::CREATED);
        let token = token_in(&roster.mail_to(&email).await, "invitation");
        let body = json!({"token": token, "newPassword": PASSWORD});
        let accepted = roster.put("/email-verifications", &body).await;
        let token = accepted.body["accessToken"].as_str().unwrap();
        let request = roster.request(Method::POST, "/users").bearer_auth(token);
        let refused = roster
            .send(request.json(&sign_up_body(&unique_email("policy"))))
            .await;
        assert_eq!(refused.problem(), (403, "forbidden"));
    });
}
