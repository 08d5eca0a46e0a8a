//! `POST /sessions`.

use serde_json::json;

use crate::support::{PASSWORD, on_shared_stack, unique_email};

#[test]
fn unknown_and_wrong_get_one_answer() {
    on_shared_stack(async |roster| {
        let email = unique_email("login");
        roster.sign_up(&email).await;
        let unknown = roster.sign_in(&unique_email("nobody")).await;
        let wrong = roster
            .post("/sessions", &json!({"email": email, "password": "wrong"}))
            .await;
        for answer in [&unknown, &wrong] {
            assert_eq!(answer.problem(), (401, "invalid-credentials"));
            assert!(answer.headers.contains_key("www-authenticate"));
        }
        let without_id = |answer: &crate::support::Answer| {
            let mut body = answer.body.clone();
            body["requestId"] = json!(null);
            body
        };
        assert_eq!(without_id(&unknown), without_id(&wrong));
    });
}

#[test]
fn a_session_gives_both_tokens_and_is_never_cached() {
    on_shared_stack(async |roster| {
        let email = unique_email("login");
        roster.sign_up(&email).await;
        let body =
            json!({"strategy": "password", "email": email.to_uppercase(), "password": PASSWORD});
        let answer = roster.post("/sessions", &body).await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(
            (&answer.body["tokenType"], &answer.body["expiresIn"]),
            (&json!("Bearer"), &json!(600))
        );
        assert!(answer.body["refreshToken"].is_string());
    });
}
