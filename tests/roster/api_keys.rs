//! API keys: made, listed and revoked by administrators, and what machines do with them.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    contract::NOBODY,
    people::ApiKey,
    support::{ADMIN, Answer, PASSWORD, Roster, on_own_stack, on_shared_stack},
};

/// The key as it is listed.
async fn listed(roster: &Roster, key: &ApiKey) -> Value {
    let list = roster.get_as_admin("/api-keys").await;
    let keys = list.body["data"].as_array().unwrap();
    keys.iter()
        .find(|each| each["id"] == key.id)
        .unwrap()
        .clone()
}

async fn revoke(roster: &Roster, id: &str) -> Answer {
    let route = format!("DELETE /api-keys/{id}");
    roster.call_as_admin(&route, &Value::Null).await
}

async fn get(roster: &Roster, path: &str, token: &str) -> Answer {
    roster
        .call(&format!("GET {path}"), token, &Value::Null)
        .await
}

/// The lines of the trail of this type which `is` picks out.
async fn trail(roster: &Roster, kind: &str, is: impl Fn(&Value) -> bool) -> Vec<Value> {
    roster.settle().await;
    let path = format!("/audit-events?limit=100&type={kind}");
    let trail = roster.get_as_admin(&path).await;
    let lines = trail.body["data"].as_array().unwrap().iter();
    lines.filter(|line| is(line)).cloned().collect()
}

#[test]
fn a_key_is_made_listed_and_revoked_and_the_trail_says_by_whom() {
    on_shared_stack(async |roster| {
        let key = roster.api_key("reader").await;
        let mut shown = key.shown.clone();
        let token = shown.as_object_mut().unwrap().remove("token").unwrap();
        assert_eq!(listed(roster, &key).await, shown);
        let list = roster.get_as_admin("/api-keys").await;
        assert!(!list.body.to_string().contains(token.as_str().unwrap()));

        for _ in 0..2 {
            assert_eq!(revoke(roster, &key.id).await.status, StatusCode::NO_CONTENT);
        }
        assert!(listed(roster, &key).await["revokedAt"].is_string());
        for id in [NOBODY, "nonsense"] {
            assert_eq!(revoke(roster, id).await.problem(), (404, "not-found"));
        }

        for kind in ["ApiKeyCreated", "ApiKeyRevoked"] {
            let lines = trail(roster, kind, |line| line["apiKeyId"] == key.id).await;
            let [line] = &lines[..] else {
                panic!("{kind} once: {lines:?}");
            };
            assert_eq!(line["actor"], key.shown["createdBy"]);
            assert!(line["userId"].is_null());
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
        let key = roster.api_key("support").await;
        let body = json!({"name": "stolen", "role": "support"});
        let by_key = roster.call("POST /api-keys", &key.token, &body).await;
        assert_eq!(by_key.problem(), (403, "forbidden"), "a key makes no keys");
        let list = roster.get_as_admin("/api-keys").await;
        assert!(!list.body.to_string().contains("stolen"));
    });
}

#[test]
fn a_machine_reads_is_noted_and_is_shut_out_once_its_key_is_revoked() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("read").await;
        let key = roster.api_key("reader").await;
        assert!(listed(roster, &key).await["lastUsedOn"].is_null());
        for path in ["/users", &format!("/users/{}", ann.id), "/audit-events"] {
            let answer = get(roster, path, &key.token).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
        }
        let me = get(roster, "/users/me", &key.token).await;
        assert_eq!(me.problem(), (404, "not-found"), "a machine is no user");
        let today = &key.shown["createdAt"].as_str().unwrap()[..10];
        let used = listed(roster, &key).await["lastUsedOn"].clone();
        assert!(used.as_str().unwrap() >= today, "{used}");

        assert_eq!(revoke(roster, &key.id).await.status, StatusCode::NO_CONTENT);
        let refused = get(roster, "/users", &key.token).await;
        assert_eq!(refused.problem(), (401, "unauthenticated"));
    });
}

/// Support helps those who have no role at all, whether a person or a machine.
#[test]
fn support_ends_sessions_of_users_without_a_role_and_touches_no_one_else() {
    on_shared_stack(async |roster| {
        let key = roster.api_key("support").await;
        let person = roster.colleague("support").await;
        let admin = get(roster, "/users/me", &roster.admin().await).await;
        let mut protected = vec![admin.body["id"].as_str().unwrap().to_owned()];
        for role in ["support", "reader", "service", "editor"] {
            protected.push(roster.colleague(role).await.id);
        }
        let actors = [format!("api-key:{}", key.id), format!("user:{}", person.id)];
        for (token, actor) in [&key.token, &person.token].into_iter().zip(&actors) {
            for id in &protected {
                let sessions = format!("/users/{id}/sessions");
                let list = get(roster, &sessions, token).await;
                assert_eq!(list.status, StatusCode::OK, "reading is no touch");
                let session = list.body["data"][0]["id"].as_str().unwrap();
                for path in [sessions.clone(), format!("{sessions}/{session}")] {
                    let ended = roster
                        .call(&format!("DELETE {path}"), token, &Value::Null)
                        .await;
                    assert_eq!(ended.problem(), (403, "forbidden"), "{path} by {actor}");
                }
                let after = get(roster, &sessions, token).await;
                assert_eq!(after.body, list.body, "nothing ended");
            }

            let ann = roster.newcomer("helped").await;
            roster.token(&ann.email, PASSWORD).await;
            let sessions = format!("/users/{}/sessions", ann.id);
            let list = get(roster, &sessions, token).await;
            let session = list.body["data"][0]["id"].as_str().unwrap();
            for path in [format!("{sessions}/{session}"), sessions.clone()] {
                let ended = roster
                    .call(&format!("DELETE {path}"), token, &Value::Null)
                    .await;
                assert_eq!(ended.status, StatusCode::NO_CONTENT, "{path} by {actor}");
            }
            assert_eq!(get(roster, &sessions, token).await.body["data"], json!([]));
            for kind in ["SessionEnded", "UserSessionsEnded"] {
                let lines = trail(roster, kind, |line| line["userId"] == ann.id).await;
                assert_eq!(lines[0]["actor"], **actor, "{kind}");
            }
            let chain = roster
                .get_as_admin(&format!("/audit-events?user={}", ann.id))
                .await;
            assert_eq!(chain.body["chain"]["status"], "ok");
        }
        let own = roster
            .call("DELETE /users/me/sessions", &person.token, &Value::Null)
            .await;
        assert_eq!(
            own.status,
            StatusCode::NO_CONTENT,
            "one's own are one's own"
        );
    });
}

#[test]
fn a_mistyped_token_and_one_that_is_no_bearer_are_refused() {
    on_shared_stack(async |roster| {
        let key = roster.api_key("reader").await;
        let mut mistyped = key.token.clone();
        let last = mistyped.pop().unwrap();
        mistyped.push(if last == '0' { '1' } else { '0' });
        let refused = get(roster, &format!("/users/{NOBODY}"), &mistyped).await;
        assert_eq!(refused.problem(), (401, "unauthenticated"));
        let basic = roster
            .request(Method::GET, "/users")
            .basic_auth(&key.token, Some(""));
        assert_eq!(roster.send(basic).await.problem(), (401, "unauthenticated"));
    });
}

#[test]
fn each_key_has_a_limit_of_its_own_and_users_have_none() {
    let parameters = [("ApiKeyCallsPerMinute", "3"), ("AccessLagSeconds", "60")];
    on_own_stack(&parameters, async |roster| {
        let (busy, calm) = (
            roster.api_key("reader").await,
            roster.api_key("reader").await,
        );
        let me = get(roster, "/users/me", &roster.admin().await).await;
        let path = format!("/users/{}", me.body["id"].as_str().unwrap());
        for _ in 0..3 {
            assert_eq!(get(roster, &path, &busy.token).await.status, StatusCode::OK);
        }
        let limited = get(roster, &path, &busy.token).await;
        assert_eq!(limited.problem(), (429, "too-many-requests"));
        assert_eq!(get(roster, &path, &calm.token).await.status, StatusCode::OK);
        let admin = roster.token(ADMIN, PASSWORD).await;
        for _ in 0..4 {
            assert_eq!(get(roster, &path, &admin).await.status, StatusCode::OK);
        }
    });
}
