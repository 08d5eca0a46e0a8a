//! `POST /users/{id}/recovery`.

use serde_json::{Value, json};

use crate::{
    openid::{visit, with_provider},
    support::{PASSWORD, on_shared_stack, token_in, unique_email},
};

const NEW_PASSWORD: &str = "seven purple kites aloft";
const SUBJECT: &str = "Your account at Roster is being recovered";

/// Somebody knows the password, has linked an identity, is signed in and waits for an address of
/// theirs to be confirmed.
#[test]
fn after_a_recovery_nobody_gets_in_but_by_the_link() {
    with_provider(async |roster, provider, listed| {
        let ann = roster.proven("recovery").await;
        let elsewhere = unique_email("thief");
        provider.knows(
            &elsewhere,
            json!({"email": elsewhere, "email_verified": true}),
        );
        let body = visit(listed, &elsewhere).await;
        let linked = roster
            .call("POST /users/me/identities", &ann.token, &body)
            .await;
        assert_eq!(linked.status, 201);
        let wish = unique_email("thief");
        let body = json!({"email": wish, "currentPassword": PASSWORD});
        roster.call("PUT /users/me/email", &ann.token, &body).await;
        let confirmation = token_in(&roster.mail_to(&wish).await, "verify");
        let session = roster.sign_in(&ann.email).await;

        let route = format!("POST /users/{}/recovery", ann.id);
        let started = roster.call_as_admin(&route, &Value::Null).await;
        assert_eq!(
            (started.status.as_u16(), started.body),
            (202, json!({"status": "accepted"}))
        );

        let again = roster.call_as_admin(&route, &Value::Null).await;
        assert_eq!(again.problem(), (429, "too-many-requests"));
        assert!(again.header("retry-after").is_some());

        assert_eq!(roster.sign_in(&ann.email).await.status, 401);
        let me = roster.call("GET /users/me", &ann.token, &Value::Null).await;
        assert_eq!(me.problem(), (401, "unauthenticated"));
        let body = json!({"refreshToken": session.body["refreshToken"]});
        assert_eq!(roster.post("/sessions/refresh", &body).await.status, 401);
        let body = json!({"token": confirmation, "password": PASSWORD});
        assert_eq!(roster.put("/email-verifications", &body).await.status, 410);
        let mut provided = visit(listed, &elsewhere).await;
        provided["strategy"] = json!("oidc");
        let other = roster.post("/sessions", &provided).await;
        assert_ne!(other.body["user"]["id"], json!(ann.id));
        let subject = unique_email("hers");
        provider.knows(
            &subject,
            json!({"email": ann.email, "email_verified": true}),
        );
        let come = async || {
            let mut hers = visit(listed, &subject).await;
            hers["strategy"] = json!("oidc");
            roster.post("/sessions", &hers).await
        };
        let early = come().await;
        assert_eq!(early.problem(), (401, "invalid-credentials"));

        let mail = roster.mail_about(&ann.email, SUBJECT).await;
        let body = json!({"token": token_in(&mail, "reset"), "newPassword": NEW_PASSWORD});
        assert!(
            roster
                .put("/password-resets", &body)
                .await
                .status
                .is_success()
        );
        roster.token(&ann.email, NEW_PASSWORD).await;
        assert_eq!(come().await.body["user"]["id"], json!(ann.id));
    });
}

#[test]
fn nobody_starts_their_own_recovery() {
    on_shared_stack(async |roster| {
        let refused = roster
            .call_as_admin("POST /users/me/recovery", &Value::Null)
            .await;
        assert_eq!(refused.problem(), (403, "forbidden"));
    });
}
