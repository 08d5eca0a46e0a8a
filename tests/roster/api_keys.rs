//! API keys: made, listed and revoked by administrators.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    contract::NOBODY,
    support::{Answer, Roster, on_shared_stack},
};

/// A key of an administrator's making.
async fn made(roster: &Roster, body: &Value) -> Answer {
    let made = roster.call_as_admin("POST /api-keys", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made
}

/// The key as it is listed.
async fn listed(roster: &Roster, made: &Answer) -> Option<Value> {
    let list = roster.get_as_admin("/api-keys").await;
    let keys = list.body["data"].as_array().unwrap();
    let key = keys.iter().find(|key| key["id"] == made.body["id"]);
    key.cloned()
}

async fn revoke(roster: &Roster, id: &str) -> Answer {
    let route = format!("DELETE /api-keys/{id}");
    roster.call_as_admin(&route, &Value::Null).await
}

#[test]
fn a_key_is_made_listed_and_revoked_and_the_trail_says_by_whom() {
    on_shared_stack(async |roster| {
        let made = made(roster, &json!({"name": "Nightly export", "role": "reader"})).await;
        let mut shown = made.body.clone();
        let token = shown.as_object_mut().unwrap().remove("token").unwrap();
        assert_eq!(listed(roster, &made).await, Some(shown));
        let list = roster.get_as_admin("/api-keys").await;
        assert!(!list.body.to_string().contains(token.as_str().unwrap()));

        let id = made.body["id"].as_str().unwrap();
        for _ in 0..2 {
            assert_eq!(revoke(roster, id).await.status, StatusCode::NO_CONTENT);
        }
        let revoked = listed(roster, &made).await.unwrap();
        assert!(revoked["revokedAt"].is_string());
        for id in [NOBODY, "nonsense"] {
            assert_eq!(revoke(roster, id).await.problem(), (404, "not-found"));
        }

        roster.settle().await;
        for kind in ["ApiKeyCreated", "ApiKeyRevoked"] {
            let trail = format!("/audit-events?type={kind}");
            let trail = roster.get_as_admin(&trail).await;
            let lines = trail.body["data"].as_array().unwrap();
            let mut lines = lines.iter().filter(|line| line["apiKeyId"] == id);
            let line = lines.next().unwrap_or_else(|| panic!("no {kind}"));
            assert_eq!(line["actor"], made.body["createdBy"]);
            assert!(line["userId"].is_null());
            assert_eq!(lines.next(), None, "{kind} once");
        }
    });
}

/// CVE-2025-61928: a request without a session, with the id of a user in its body, made a key which acted
/// for that user. Here a key belongs to no user, and nobody but an administrator makes one.
#[test]
fn cve_2025_61928_nobody_makes_a_key_for_a_user_by_naming_the_user() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("key").await;
        let body = json!({"name": "stolen", "role": "support", "userId": ann.id});
        let anonymous = roster.post("/api-keys", &body).await;
        assert_eq!(anonymous.problem(), (401, "unauthenticated"));
        let stranger = roster.newcomer("stranger").await;
        let by_stranger = roster.call("POST /api-keys", &stranger.token, &body).await;
        assert_eq!(by_stranger.problem(), (403, "forbidden"));
        let by_admin = roster.call_as_admin("POST /api-keys", &body).await;
        assert_eq!(by_admin.problem(), (422, "invalid"));
        assert_eq!(by_admin.body["errors"][0]["pointer"], "/userId");
        let list = roster.get_as_admin("/api-keys").await;
        assert!(!list.body.to_string().contains("stolen"));
    });
}
