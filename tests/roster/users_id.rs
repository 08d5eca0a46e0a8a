//! What every route under `/users/{id}` has in common.

use serde_json::{Value, json};

use crate::support::{PASSWORD, on_shared_stack};

const NOBODY: &str = "019e8cd9-0aba-7c3e-8b51-4d2f6a7c9e10";

/// Route, body, and whether users may do it to themselves.
fn routes() -> [(&'static str, &'static str, Value, bool); 8] {
    let password = json!({"newPassword": "seven purple kites aloft"});
    [
        ("GET", "", Value::Null, true),
        ("GET", "/export", Value::Null, true),
        ("PATCH", "", json!({"name": "Anna"}), true),
        ("PUT", "/password", password, true),
        ("PUT", "/roles", json!({"roles": []}), false),
        ("POST", "/deactivate", Value::Null, false),
        ("POST", "/reactivate", Value::Null, false),
        ("DELETE", "", Value::Null, true),
    ]
}

#[test]
fn who_may_not_learns_nothing() {
    on_shared_stack(async |roster| {
        let (ann, bob) = (
            roster.newcomer("owner").await,
            roster.newcomer("other").await,
        );
        for (method, what, body, own) in routes() {
            let route = |id: &str| format!("{method} /users/{id}{what}");
            for id in [ann.id.as_str(), NOBODY, "nonsense"] {
                let other = roster.call(&route(id), &bob.token, &body).await;
                assert_eq!(other.problem(), (403, "forbidden"), "{}", route(id));
                let forged = roster.call(&route(id), "nonsense", &body).await;
                assert_eq!(forged.problem(), (401, "unauthenticated"), "{}", route(id));
            }
            for id in [NOBODY, "nonsense"] {
                let admin = roster.call_as_admin(&route(id), &body).await;
                assert_eq!(admin.problem(), (404, "not-found"), "{}", route(id));
            }
            if !own {
                let owner = roster.call(&route("me"), &ann.token, &body).await;
                assert_eq!(owner.problem(), (403, "forbidden"), "{}", route("me"));
            }
        }
        let me = roster.call("GET /users/me", &ann.token, &Value::Null).await;
        assert_eq!(me.header("etag"), Some("\"1\""), "nothing changed");
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
