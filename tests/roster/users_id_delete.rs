//! `DELETE /users/{id}`.

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Roster, on_shared_stack};

async fn delete(roster: &Roster, id: &str, token: &str, key: &str) -> Answer {
    let request = roster.request(Method::DELETE, &format!("/users/{id}"));
    let request = request.bearer_auth(token).header("idempotency-key", key);
    roster.send(request).await
}

#[test]
fn an_erasure_can_be_repeated() {
    on_shared_stack(async |roster| {
        let (ann, bob) = (roster.newcomer("gone").await, roster.newcomer("gone").await);
        for _ in 0..2 {
            let answer = delete(roster, &ann.id, &ann.token, "key-1").await;
            assert_eq!((answer.status.as_u16(), answer.body), (204, Value::Null));
        }
        let dead = delete(roster, &ann.id, &ann.token, "key-2").await;
        assert_eq!(dead.problem(), (401, "unauthenticated"));
        let refused = delete(roster, &ann.id, &bob.token, "key-1").await;
        assert_eq!(refused.problem(), (403, "forbidden"));
        for expected in [204, 422] {
            let id = if expected == 204 { &bob.id } else { "me" };
            let answer = delete(roster, id, &bob.token, "key-1").await;
            assert_eq!(answer.status.as_u16(), expected, "{:?}", answer.body);
        }
    });
}
