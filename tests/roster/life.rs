//! The whole life of a user, from sign-up to erasure.

use serde_json::{Value, json};

use crate::{
    contract::contract,
    support::{PASSWORD, on_shared_stack},
};

const NEW_PASSWORD: &str = "seven purple kites aloft";
const NONE: Value = Value::Null;

#[test]
#[expect(clippy::too_many_lines, reason = "one life, told in order")]
fn a_user_lives_changes_and_is_forgotten() {
    on_shared_stack(async |roster| {
        let ann = roster.proven("life").await;
        let path = format!("/users/{}", ann.id);

        let me = roster.call("GET /users/me", &ann.token, &NONE).await;
        assert_eq!(
            (me.status.as_u16(), me.header("etag")),
            (200, Some("\"2\""))
        );
        assert_eq!(me.body["email"], ann.email);

        let renamed = roster
            .call("PATCH /users/me", &ann.token, &json!({"name": "Anna"}))
            .await;
        assert_eq!(
            (renamed.status.as_u16(), renamed.header("etag")),
            (200, Some("\"3\""))
        );

        let body = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
        let changed = roster
            .call("PUT /users/me/password", &ann.token, &body)
            .await;
        assert_eq!(changed.status, 204);
        let dead = roster.call("GET /users/me", &ann.token, &NONE).await;
        assert_eq!(dead.problem(), (401, "unauthenticated"));
        assert_eq!(
            roster.sign_in(&ann.email).await.problem(),
            (401, "invalid-credentials")
        );
        let token = roster.token(&ann.email, NEW_PASSWORD).await;

        let roles = roster
            .call_as_admin(
                &format!("PUT {path}/roles"),
                &json!({"roles": ["support", "support"]}),
            )
            .await;
        assert_eq!(
            (roles.status.as_u16(), &roles.body["roles"]),
            (200, &json!(["support"]))
        );
        let alive = roster.call("GET /users/me", &token, &NONE).await;
        assert_eq!(
            alive.body["roles"],
            json!(["support"]),
            "a role more ends no session"
        );

        let export = roster.call("GET /users/me/export", &token, &NONE).await;
        assert_eq!(export.status, 200);
        assert!(
            export
                .header("content-disposition")
                .unwrap()
                .starts_with("attachment")
        );
        let types: Vec<_> = export.body["history"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["type"].as_str().unwrap())
            .collect();
        assert_eq!(
            types,
            [
                "UserCreated",
                "UserEmailVerified",
                "UserUpdated",
                "UserPasswordChanged",
                "UserRolesChanged"
            ]
        );
        assert_eq!(export.body["history"][0]["newEmail"], ann.email);
        assert_eq!(export.body["sessions"].as_array().unwrap().len(), 2);
        for secret in ["$argon2", "nonce", "salt", "passwordHash"] {
            assert!(!export.body.to_string().contains(secret), "{secret}");
        }

        let out = roster
            .call_as_admin(&format!("POST {path}/deactivate"), &NONE)
            .await;
        assert_eq!(
            (out.status.as_u16(), &out.body["active"]),
            (200, &json!(false))
        );
        assert_eq!(
            roster
                .call("GET /users/me", &token, &NONE)
                .await
                .problem()
                .0,
            401
        );
        let again = roster
            .call_as_admin(&format!("POST {path}/deactivate"), &NONE)
            .await;
        assert_eq!(again.problem(), (409, "already-deactivated"));
        let back = roster
            .call_as_admin(&format!("POST {path}/reactivate"), &NONE)
            .await;
        assert_eq!(
            (back.status.as_u16(), &back.body["active"]),
            (200, &json!(true))
        );
        let again = roster
            .call_as_admin(&format!("POST {path}/reactivate"), &NONE)
            .await;
        assert_eq!(again.problem(), (409, "already-active"));
        assert_eq!(
            roster
                .call("GET /users/me", &token, &NONE)
                .await
                .problem()
                .0,
            401
        );

        let token = roster.token(&ann.email, NEW_PASSWORD).await;
        assert_eq!(
            roster.call("DELETE /users/me", &token, &NONE).await.status,
            204
        );
        assert_eq!(
            roster
                .call("GET /users/me", &token, &NONE)
                .await
                .problem()
                .0,
            401
        );
        for route in [
            format!("GET {path}"),
            format!("DELETE {path}"),
            format!("GET {path}/export"),
        ] {
            let gone = roster.call_as_admin(&route, &NONE).await;
            assert_eq!(gone.problem(), (404, "not-found"), "{route}");
        }
        let list = roster
            .get_as_admin(&format!("/users?search={}", ann.email))
            .await;
        assert_eq!(list.body["pagination"]["total"], 0);
        roster.settle().await;
        let next = roster.sign_up(&ann.email).await;
        assert_eq!(next.status, 201, "the address is free again");
        assert_ne!(next.body["id"], ann.id);
    });
}

/// `docs/life.http` walks through the API by hand; it may not promise what the contract does not.
#[test]
fn the_walk_in_the_documents_keeps_to_the_contract() {
    let walk = include_str!("../../docs/life.http");
    let mut requests = 0;
    for step in walk.split("###").skip(1) {
        let mut lines = step.lines();
        let Some((method, path)) = lines.find_map(|line| line.split_once(" {{api}}")) else {
            continue;
        };
        let path = path.split('?').next().unwrap();
        let status = lines.find_map(|line| line.strip_prefix("?? status == "));
        let status = status.unwrap().parse().unwrap();
        let found = contract().find(&method.parse().unwrap(), path);
        assert!(
            contract().response(&found, status).is_some(),
            "docs/life.http: {method} {path} has no documented answer {status}"
        );
        requests += 1;
    }
    assert!(requests > 0);
}
