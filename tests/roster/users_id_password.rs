//! `PUT /users/{id}/password`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Roster, on_shared_stack};

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
