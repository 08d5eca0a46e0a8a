//! `POST /password-resets` and `PUT /password-resets`.

use serde_json::{Value, json};

use crate::support::{PASSWORD, on_own_stack, on_shared_stack, token_in, unique_email};

const NEW_PASSWORD: &str = "seven purple kites aloft";

#[test]
fn a_mail_leads_to_a_new_password_once() {
    on_shared_stack(async |roster| {
        let ann = roster.proven("reset").await;
        let body = json!({"email": ann.email.to_uppercase()});
        let asked = roster.post("/password-resets", &body).await;
        assert_eq!(
            (asked.status.as_u16(), asked.body),
            (202, json!({"status": "accepted"}))
        );
        let subject = "Choose a new password for Roster";
        let token = token_in(&roster.mail_about(&ann.email, subject).await, "reset");

        let weak = json!({"token": token, "newPassword": "password1"});
        assert_eq!(roster.put("/password-resets", &weak).await.problem().0, 422);
        let body = json!({"token": token, "newPassword": NEW_PASSWORD});
        let done = roster.put("/password-resets", &body).await;
        assert_eq!(done.status, 200);
        assert_eq!(done.body["user"]["id"], ann.id);
        let access = done.body["accessToken"].as_str().unwrap();
        let me = roster.call("GET /users/me", access, &Value::Null).await;
        assert_eq!(me.status, 200, "signed in");
        let again = roster.put("/password-resets", &body).await;
        assert_eq!((again.status.as_u16(), again.body), (204, Value::Null));
        let other = json!({"token": token, "newPassword": PASSWORD});
        let refused = roster.put("/password-resets", &other).await;
        assert_eq!(refused.problem(), (410, "token-expired"));
        for _ in 2..10 {
            roster.put("/password-resets", &other).await;
        }
        let refused = roster.put("/password-resets", &body).await;
        assert_eq!(refused.problem(), (429, "too-many-requests"));

        let dead = roster.call("GET /users/me", &ann.token, &Value::Null).await;
        assert_eq!(dead.problem(), (401, "unauthenticated"));
        assert_eq!(roster.sign_in(&ann.email).await.status, 401);
        let token = roster.token(&ann.email, NEW_PASSWORD).await;
        let me = roster.call("GET /users/me", &token, &Value::Null).await;
        assert_eq!(me.body["emailVerified"], true);
    });
}

/// Whoever signed in with a stolen password may have asked for an address of their own.
#[test]
fn a_reset_voids_a_pending_change_of_address() {
    on_shared_stack(async |roster| {
        let ann = roster.proven("pending").await;
        let address = unique_email("attacker");
        let body = json!({"email": address, "currentPassword": PASSWORD});
        roster.call("PUT /users/me/email", &ann.token, &body).await;
        let theirs = token_in(&roster.mail_to(&address).await, "verify");

        let body = json!({"email": ann.email});
        roster.post("/password-resets", &body).await;
        let subject = "Choose a new password for Roster";
        let token = token_in(&roster.mail_about(&ann.email, subject).await, "reset");
        let body = json!({"token": token, "newPassword": NEW_PASSWORD});
        assert_eq!(roster.put("/password-resets", &body).await.status, 200);

        let confirmed = roster
            .put(
                "/email-verifications",
                &json!({"token": theirs, "password": NEW_PASSWORD}),
            )
            .await;
        assert_eq!(confirmed.problem(), (410, "token-expired"));
        roster.token(&ann.email, NEW_PASSWORD).await;
    });
}

#[test]
fn of_parallel_uses_of_a_token_one_counts() {
    on_shared_stack(async |roster| {
        let ann = roster.proven("resets").await;
        roster
            .post("/password-resets", &json!({"email": ann.email}))
            .await;
        let subject = "Choose a new password for Roster";
        let token = token_in(&roster.mail_about(&ann.email, subject).await, "reset");
        let uses = (0..5).map(async |n| {
            let body = json!({"token": token, "newPassword": format!("{NEW_PASSWORD} {n}")});
            roster.put("/password-resets", &body).await
        });
        let answers = futures::future::join_all(uses).await;
        let count = |status: u16| answers.iter().filter(|a| a.status == status).count();
        assert_eq!((count(200), count(410)), (1, 4));
    });
}

#[test]
fn an_unknown_address_gets_the_same_answer_and_no_mail() {
    on_shared_stack(async |roster| {
        let email = unique_email("nobody");
        for path in ["/password-resets", "/email-verifications"] {
            let answer = roster.post(path, &json!({"email": email})).await;
            assert_eq!(
                (answer.status.as_u16(), answer.body),
                (202, json!({"status": "accepted"}))
            );
        }
        roster.settle().await;
        assert_eq!(roster.mails_to(&email), 0);
    });
}

#[test]
fn with_an_administrator_there_the_first_ones_address_is_nothing_special() {
    let email = "first@example.com";
    on_own_stack(&[("FirstAdminEmail", email)], async |roster| {
        roster.sign_up(email).await;
        let token = token_in(&roster.mail_to(email).await, "verify");
        let body = json!({"token": token, "newPassword": NEW_PASSWORD});
        let begun = roster.put("/email-verifications", &body).await;
        assert_eq!(begun.body["user"]["emailVerified"], true);
        assert_eq!(begun.body["user"]["roles"], json!([]));
    });
}

/// A reset starts an account anew which nobody confirmed, unless its own session takes part.
#[test]
fn a_reset_starts_anew_or_confirms() {
    on_shared_stack(async |roster| {
        for is_signed_in in [false, true] {
            let ann = roster.newcomer("anew").await;
            let body = json!({"email": ann.email});
            roster.post("/password-resets", &body).await;
            let subject = "Choose a new password for Roster";
            let token = token_in(&roster.mail_about(&ann.email, subject).await, "reset");
            let body = json!({"token": token, "newPassword": NEW_PASSWORD});
            let done = if is_signed_in {
                roster.call("PUT /password-resets", &ann.token, &body).await
            } else {
                let forged = roster.call("PUT /password-resets", "nonsense", &body).await;
                assert_eq!(forged.problem(), (401, "unauthenticated"));
                roster.put("/password-resets", &body).await
            };
            assert_eq!(done.status, 200, "{:?}", done.body);
            assert_eq!(done.body["user"]["id"] == ann.id, is_signed_in);
            assert_eq!(done.body["user"]["emailVerified"], true);
            let dead = roster.call("GET /users/me", &ann.token, &Value::Null).await;
            assert_eq!(dead.problem(), (401, "unauthenticated"));
            roster.token(&ann.email, NEW_PASSWORD).await;
        }
    });
}
