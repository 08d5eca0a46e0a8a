//! `PUT /users/{id}/password`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Roster, on_own_stack, on_shared_stack, unique_email};

const NEW_PASSWORD: &str = "seven purple kites aloft";

async fn put(roster: &Roster, token: &str, key: &str, body: &Value) -> Answer {
    let request = roster.request(Method::PUT, "/users/me/password");
    let request = request.bearer_auth(token).header("idempotency-key", key);
    roster.send(request.json(body)).await
}

#[test]
fn a_change_of_password_can_be_repeated() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("repeat").await;
        let body = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
        for _ in 0..2 {
            let answer = put(roster, &ann.token, "key-1", &body).await;
            assert_eq!((answer.status.as_u16(), answer.body), (204, Value::Null));
        }
        let token = roster.token(&ann.email, NEW_PASSWORD).await;
        assert_eq!(put(roster, &token, "key-1", &body).await.status, 204);
        let other = json!({"currentPassword": PASSWORD, "newPassword": "another one"});
        let refused = put(roster, &token, "key-1", &other).await;
        assert_eq!(refused.problem(), (422, "idempotency-key-reused"));
        let dead = put(roster, &ann.token, "key-2", &body).await;
        assert_eq!(dead.problem(), (401, "unauthenticated"));
        for _ in 3..10 {
            put(roster, &token, "key-1", &other).await;
        }
        let refused = put(roster, &token, "key-1", &body).await;
        assert_eq!(refused.problem(), (429, "too-many-requests"));
    });
}

/// A change voids every device token, and the session in which it was made goes on.
#[test]
fn who_changes_the_password_stays_known() {
    on_own_stack(&[("SignInAttemptsPerAccount", "1")], async |roster| {
        let email = unique_email("known");
        roster.sign_up(&email).await;
        let session = roster.sign_in(&email).await.body;
        let token = session["accessToken"].as_str().unwrap();
        let change = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
        assert_eq!(put(roster, token, "key-1", &change).await.status, 204);
        let refresh = json!({"refreshToken": session["refreshToken"]});
        let next = roster.post("/sessions/refresh", &refresh).await.body;
        let own = json!({"email": email, "password": NEW_PASSWORD});
        let token = next["accessToken"].as_str().unwrap();
        let proof = roster
            .call("POST /sessions/current/proof", token, &own)
            .await
            .body;

        let sign_in = async |password: &str, device: &Value| {
            let body = json!({"email": email, "password": password, "deviceToken": device});
            roster.post("/sessions", &body).await.status.as_u16()
        };
        assert_eq!(sign_in("wrong", &session["deviceToken"]).await, 401);
        assert_eq!(sign_in(NEW_PASSWORD, &session["deviceToken"]).await, 429);
        assert_eq!(sign_in(NEW_PASSWORD, &next["deviceToken"]).await, 201);
        assert_eq!(sign_in(NEW_PASSWORD, &proof["deviceToken"]).await, 201);
    });
}

#[test]
fn one_who_proves_the_wrong_password_changes_nothing() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("proof").await;
        let body = json!({"currentPassword": "wrong", "newPassword": "seven purple kites aloft"});
        let refused = roster
            .call("PUT /users/me/password", &ann.token, &body)
            .await;
        assert_eq!(refused.problem(), (401, "invalid-credentials"));
        roster.token(&ann.email, PASSWORD).await;
    });
}
