//! `PUT /users/{id}/password`.

use serde_json::json;

use crate::support::{PASSWORD, on_shared_stack};

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
