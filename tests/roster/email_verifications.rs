//! `POST` and `PUT /email-verifications`; `PUT` and `DELETE /users/{id}/email`.

use serde_json::{Value, json};

use crate::support::{PASSWORD, on_own_stack, on_shared_stack, token_in, unique_email};

#[test]
fn who_asks_again_gets_the_same_link_and_it_proves_the_address() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("prove").await;
        let welcome = token_in(&roster.mail_to(&ann.email).await, "verify");
        roster
            .post("/email-verifications", &json!({"email": ann.email}))
            .await;
        let subject = "Confirm your address at Roster";
        let again = token_in(&roster.mail_about(&ann.email, subject).await, "verify");
        assert_eq!(again, welcome);
        let prove = async |token: &str| {
            let body = json!({"token": token});
            roster.put("/email-verifications", &body).await
        };
        assert_eq!(prove(&again).await.status, 204);
        for _ in 0..10 {
            assert_eq!(prove(&again).await.status, 204, "told again");
        }
        let refused = prove(&again).await;
        assert_eq!(refused.problem(), (429, "too-many-requests"));
        let me = roster.call("GET /users/me", &ann.token, &Value::Null).await;
        assert_eq!(me.body["emailVerified"], true);

        roster
            .post("/email-verifications", &json!({"email": ann.email}))
            .await;
        roster.settle().await;
        assert_eq!(roster.mails_to(&ann.email), 2, "nothing is left to prove");
    });
}

#[test]
fn the_old_address_works_until_the_new_one_is_proven() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("move").await;
        let new = unique_email("moved");
        let body = json!({"email": new, "currentPassword": PASSWORD});
        let wish = "PUT /users/me/email";
        let wrong = json!({"email": new, "currentPassword": "wrong"});
        let refused = roster.call(wish, &ann.token, &wrong).await;
        assert_eq!(refused.problem(), (401, "invalid-credentials"));
        assert_eq!(roster.call(wish, &ann.token, &body).await.status, 202);
        let token = token_in(&roster.mail_to(&new).await, "verify");
        assert_eq!(roster.sign_in(&ann.email).await.status, 201);
        assert_eq!(roster.sign_in(&new).await.status, 401);

        let body = json!({"token": token});
        assert_eq!(roster.put("/email-verifications", &body).await.status, 204);
        assert_eq!(roster.sign_in(&ann.email).await.status, 401);
        assert_eq!(roster.sign_in(&new).await.body["user"]["id"], ann.id);
        let subject = "Your address at Roster was changed";
        roster.mail_about(&ann.email, subject).await;
        assert_eq!(roster.sign_up(&ann.email).await.status, 201, "free again");
    });
}

#[test]
fn who_takes_the_wish_back_voids_the_link() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("withdraw").await;
        let new = unique_email("unwanted");
        let body = json!({"email": new, "currentPassword": PASSWORD});
        roster.call("PUT /users/me/email", &ann.token, &body).await;
        let token = token_in(&roster.mail_to(&new).await, "verify");
        for _ in 0..2 {
            let withdraw = "DELETE /users/me/email";
            let answer = roster.call(withdraw, &ann.token, &Value::Null).await;
            assert_eq!(answer.status, 204);
        }
        let body = json!({"token": token});
        let refused = roster.put("/email-verifications", &body).await;
        assert_eq!(refused.problem(), (410, "token-expired"));
        assert_eq!(roster.sign_in(&ann.email).await.status, 201);
    });
}

#[test]
fn of_two_users_who_race_for_an_address_one_gets_it() {
    on_shared_stack(async |roster| {
        let new = unique_email("wanted");
        let body = json!({"email": new, "currentPassword": PASSWORD});
        for who in ["one", "two"] {
            let user = roster.newcomer(who).await;
            let asked = roster.call("PUT /users/me/email", &user.token, &body).await;
            assert_eq!(asked.status, 202);
        }
        roster.settle().await;
        let tokens = roster.mails(&new);
        let proofs = tokens.iter().map(async |mail| {
            let body = json!({"token": token_in(mail, "verify")});
            roster
                .put("/email-verifications", &body)
                .await
                .status
                .as_u16()
        });
        let mut statuses = futures::future::join_all(proofs).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
    });
}

#[test]
fn a_taken_address_is_told_unless_it_is_concealed() {
    let taken = async |roster: &crate::support::Roster, expected: u16| {
        let (owner, eve) = (unique_email("owner"), unique_email("eve"));
        for email in [&owner, &eve] {
            roster.sign_up(email).await;
            roster.mail_to(email).await;
        }
        let token = roster.token(&eve, PASSWORD).await;
        let body = json!({"email": owner, "currentPassword": PASSWORD});
        let answer = roster.call("PUT /users/me/email", &token, &body).await;
        assert_eq!(answer.status.as_u16(), expected, "{:?}", answer.body);
        roster.settle().await;
        roster.mails(&owner)
    };
    on_shared_stack(async |roster| {
        assert_eq!(taken(roster, 409).await.len(), 1, "the welcome mail");
    });
    on_own_stack(&[("SignUpPolicy", "concealed")], async |roster| {
        let mails = taken(roster, 202).await;
        assert_eq!(mails.len(), 2);
        let notice = mails[1].text.as_deref().unwrap();
        assert!(notice.contains("another account") && !notice.contains("token="));
    });
}
