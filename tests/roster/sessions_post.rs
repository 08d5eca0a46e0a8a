//! `POST /sessions`.

use futures::future::join_all;
use local::journal::Happening;
use serde_json::{Value, json};

use crate::support::{
    PASSWORD, on_own_stack, on_shared_stack, patiently, sign_up_body, token_in, unique_email,
};

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

/// With real processes and real parallel requests: the limit is what is compared, not one more.
#[test]
fn five_hundred_guesses_at_once_are_as_many_as_allowed() {
    on_own_stack(&[("SignInAttemptsPerAccount", "7")], async |roster| {
        let ann = roster.proven("guess").await;
        let session = roster.sign_in(&ann.email).await.body;
        let guess = json!({"email": ann.email, "password": "wrong"});
        let all = join_all((0..500).map(|_| roster.post("/sessions", &guess))).await;
        let count = |status: u16| all.iter().filter(|a| a.status == status).count();
        assert_eq!((count(401), count(429)), (7, 493));

        let refused = roster.sign_in(&ann.email).await;
        assert_eq!(
            refused.problem(),
            (429, "too-many-requests"),
            "the right one too"
        );
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=30).contains(&wait), "{wait}");
        // But from a device on which the owner signed in before.
        let from_device = async |password: &str| {
            let device = &session["deviceToken"];
            let body = json!({"email": ann.email, "password": password, "deviceToken": device});
            roster.post("/sessions", &body).await.status
        };
        assert_eq!(from_device("wrong").await, 401);
        assert_eq!(from_device(PASSWORD).await, 201);
        // Nor does the lock hold up a session.
        let email = json!({"email": unique_email("guess"), "currentPassword": PASSWORD});
        let change = roster.call("PUT /users/me/email", &ann.token, &email).await;
        assert_eq!(change.status, 202);
        let refresh = json!({"refreshToken": session["refreshToken"]});
        assert_eq!(roster.post("/sessions/refresh", &refresh).await.status, 200);
        let own = json!({"email": ann.email, "password": PASSWORD});
        let proof = roster.call("POST /sessions/current/proof", &ann.token, &own);
        assert_eq!(proof.await.status, 200);
        // And a device or a session may guess no more often.
        for _ in 0..7 {
            assert_eq!(from_device("wrong").await, 401);
        }
        assert_eq!(from_device(PASSWORD).await, 429);
        let password =
            json!({"currentPassword": "wrong", "newPassword": "plain granite kettle 47"});
        let mut statuses = Vec::new();
        for _ in 0..8 {
            let change = roster.call("PUT /users/me/password", &ann.token, &password);
            statuses.push(change.await.status.as_u16());
        }
        assert_eq!(statuses, [[401; 7].as_slice(), &[429]].concat());
        let locked = |entry: &local::journal::Entry| match &entry.happening {
            Happening::Event { event, .. } if event["detail-type"] == "SignInLocked" => {
                Some(event["detail"]["subject"].clone())
            }
            _ => None,
        };
        let subject = patiently("the event", roster.stack.journal.wait_for(0, locked)).await;
        assert_eq!(subject, json!(ann.id));

        // By mail one gets in.
        let wish = json!({"email": ann.email});
        assert_eq!(roster.post("/password-resets", &wish).await.status, 202);
        let mail = roster
            .mail_about(&ann.email, "Choose a new password for Roster")
            .await;
        let reset = json!({"token": token_in(&mail, "reset"), "newPassword": PASSWORD});
        let reset = roster.put("/password-resets", &reset).await;
        assert_eq!(reset.status, 200);
        // From the device of the reset, that is: strangers stay locked out, and the device of before is one.
        let known = json!({
            "email": ann.email, "password": PASSWORD, "deviceToken": reset.body["deviceToken"],
        });
        assert_eq!(roster.post("/sessions", &known).await.status, 201);
        assert_eq!(roster.sign_in(&ann.email).await.status, 429);
        assert_eq!(from_device(PASSWORD).await, 429);
    });
}

#[test]
fn right_sign_ins_and_refreshes_have_limits_too() {
    let limits = [("SignInsPerUser", "2"), ("RefreshesPerSession", "6")];
    on_own_stack(&limits, async |roster| {
        let email = unique_email("often");
        roster.sign_up(&email).await;
        let mut session = roster.sign_in(&email).await;
        assert_eq!(roster.sign_in(&email).await.status, 201);
        let refused = roster.sign_in(&email).await;
        assert_eq!(refused.problem(), (429, "too-many-requests"));
        for _ in 0..6 {
            let body = json!({"refreshToken": session.body["refreshToken"]});
            session = roster.post("/sessions/refresh", &body).await;
            assert_eq!(session.status, 200);
        }
        let body = json!({"refreshToken": session.body["refreshToken"]});
        let refused = roster.post("/sessions/refresh", &body).await;
        assert_eq!(refused.problem(), (429, "too-many-requests"));
    });
}

#[test]
fn wishes_and_sign_ups_have_limits() {
    let limits = [("SignUpsPerSource", "2"), ("MailsPerAsker", "2")];
    on_own_stack(&limits, async |roster| {
        let statuses = async |path: &str, bodies: [Value; 3]| {
            let mut statuses = Vec::new();
            for body in &bodies {
                statuses.push(roster.post(path, body).await.status.as_u16());
            }
            statuses
        };
        let sign_ups = [1, 2, 3].map(|n| sign_up_body(&format!("limit{n}@example.com")));
        assert_eq!(statuses("/users", sign_ups.clone()).await, [201, 201, 429]);
        let body = json!({"email": "limit3@example.com", "name": "Ann Example"});
        let created = roster.call_as_admin("POST /users", &body).await;
        assert_eq!(created.status, 201, "administrators have no limit");
        let wishes = ["limit1", "limit1", "nobody"]
            .map(|who| json!({"email": format!("{who}@example.com")}));
        let answers = statuses("/password-resets", wishes.clone()).await;
        assert_eq!(answers, [202, 202, 429], "whatever the address");
        let answers = statuses("/email-verifications", wishes).await;
        assert_eq!(answers, [429, 429, 429], "and two in all from here");
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
        assert!(answer.body["deviceToken"].is_string());
    });
}
