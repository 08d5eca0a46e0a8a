//! `POST` and `PUT /email-verifications`; `PUT` and `DELETE /users/{id}/email`.

use reqwest::Method;
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
            roster
                .call("PUT /email-verifications", &ann.token, &body)
                .await
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
        let ann = roster.proven("move").await;
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

        let body = json!({"token": token, "newPassword": "seven purple kites aloft"});
        let refused = roster.put("/email-verifications", &body).await;
        assert_eq!(refused.problem(), (422, "invalid"), "it only confirms");
        let body = json!({"token": token, "password": PASSWORD});
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
        let ann = roster.proven("withdraw").await;
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
            let user = roster.proven(who).await;
            let asked = roster.call("PUT /users/me/email", &user.token, &body).await;
            assert_eq!(asked.status, 202);
        }
        roster.settle().await;
        let tokens = roster.mails(&new);
        let proofs = tokens.iter().map(async |mail| {
            let body = json!({"token": token_in(mail, "verify"), "password": PASSWORD});
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
fn a_taken_address_is_told_where_anyone_may_sign_up() {
    on_shared_stack(async |roster| {
        let owner = roster.newcomer("owner").await;
        let eve = roster.proven("eve").await;
        let body = json!({"email": owner.email, "currentPassword": PASSWORD});
        let told = roster.call("PUT /users/me/email", &eve.token, &body).await;
        assert_eq!(told.problem(), (409, "email-taken"));
        roster.settle().await;
        assert_eq!(roster.mails_to(&owner.email), 1, "the welcome mail");
    });
}

#[test]
fn a_link_and_control_of_the_account_together_confirm_it() {
    on_shared_stack(async |roster| {
        let (ann, eve) = (
            roster.newcomer("confirm").await,
            roster.newcomer("eve").await,
        );
        let token = token_in(&roster.mail_to(&ann.email).await, "verify");
        let bare = json!({"token": token});
        let alone = roster.put("/email-verifications", &bare).await;
        assert_eq!(alone.problem(), (401, "proof-required"));
        let route = "PUT /email-verifications";
        let anothers = roster.call(route, &eve.token, &bare).await;
        assert_eq!(anothers.problem(), (401, "proof-required"));
        let wrong = json!({"token": token, "password": "wrong"});
        let wrong = roster.put("/email-verifications", &wrong).await;
        assert_eq!(wrong.problem(), (401, "invalid-credentials"));
        let right = json!({"token": token, "password": PASSWORD});
        let confirmed = roster.put("/email-verifications", &right).await;
        assert_eq!(confirmed.status, 204);
        let me = roster.call("GET /users/me", &ann.token, &Value::Null).await;
        assert_eq!(me.body["emailVerified"], true, "the session lives");
    });
}

/// The stranger who signed up with the address keeps nothing, and the reader of the mail sees nothing
/// of the stranger's.
#[test]
fn a_new_password_takes_an_account_over_which_nobody_confirmed() {
    on_shared_stack(async |roster| {
        let stranger = roster.newcomer("taken-over").await;
        let token = token_in(&roster.mail_to(&stranger.email).await, "verify");
        let body = json!({"token": token, "newPassword": "seven purple kites aloft"});
        let begun = roster.put("/email-verifications", &body).await;
        assert_eq!(begun.status, 201, "{:?}", begun.body);
        let user = &begun.body["user"];
        assert_ne!(user["id"], stranger.id);
        assert_eq!(user["emailVerified"], true);
        assert_ne!(user["name"], "Ann Example", "a stranger's word");
        let location = format!("/users/{}", user["id"].as_str().unwrap());
        assert_eq!(begun.header("location"), Some(&*location));

        let dead = roster
            .call("GET /users/me", &stranger.token, &Value::Null)
            .await;
        assert_eq!(dead.problem(), (401, "unauthenticated"));
        assert_eq!(roster.sign_in(&stranger.email).await.status, 401);
        let gone = roster
            .get_as_admin(&format!("/users/{}", stranger.id))
            .await;
        assert_eq!(gone.problem(), (404, "not-found"));
        let token = begun.body["accessToken"].as_str().unwrap();
        let export = roster
            .call("GET /users/me/export", token, &Value::Null)
            .await;
        let history = export.body["history"].as_array().unwrap();
        assert_eq!(history.len(), 1, "{history:?}");
        let search = format!("/users?search={}", stranger.email);
        let found = roster.get_as_admin(&search).await;
        assert_eq!(found.body["pagination"]["total"], 1);
    });
}

#[test]
fn who_did_not_sign_up_frees_the_address() {
    on_shared_stack(async |roster| {
        let stranger = roster.newcomer("disowned").await;
        let token = token_in(&roster.mail_to(&stranger.email).await, "verify");
        let disown = async |token: &str| {
            let request = roster.request(Method::DELETE, "/email-verifications");
            roster.send(request.json(&json!({"token": token}))).await
        };
        assert_eq!(disown(&token).await.status, 204);
        assert_eq!(disown(&token).await.problem(), (410, "token-expired"));
        assert_eq!(roster.sign_in(&stranger.email).await.status, 401);
        let free = roster.sign_up(&stranger.email).await;
        assert_eq!(free.status, 201);

        let ann = roster.proven("established").await;
        let new = unique_email("new");
        let body = json!({"email": new, "currentPassword": PASSWORD});
        roster.call("PUT /users/me/email", &ann.token, &body).await;
        let token = token_in(&roster.mail_to(&new).await, "verify");
        let refused = disown(&token).await;
        assert_eq!(refused.problem(), (409, "account-established"));
    });
}

#[test]
fn who_has_not_confirmed_the_address_may_not_change_it_link_or_get_a_role() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("unproven").await;
        let body = json!({"email": unique_email("new"), "currentPassword": PASSWORD});
        let refused = roster.call("PUT /users/me/email", &ann.token, &body).await;
        assert_eq!(refused.problem(), (403, "address-unproven"));
        let route = format!("PUT /users/{}/roles", ann.id);
        let role = json!({"roles": ["support"]});
        let refused = roster.call_as_admin(&route, &role).await;
        assert_eq!(refused.problem(), (409, "address-unproven"));
        let none = roster.call_as_admin(&route, &json!({"roles": []})).await;
        assert_eq!(none.status, 200);
    });
}

#[test]
fn passwords_are_guessed_by_link_no_more_often_than_at_sign_in() {
    on_own_stack(&[("SignInAttemptsPerAccount", "2")], async |roster| {
        let ann = roster.newcomer("guessed").await;
        let token = token_in(&roster.mail_to(&ann.email).await, "verify");
        let wrong = json!({"token": token, "password": "wrong"});
        for _ in 0..2 {
            let refused = roster.put("/email-verifications", &wrong).await;
            assert_eq!(refused.problem(), (401, "invalid-credentials"));
        }
        let right = json!({"token": token, "password": PASSWORD});
        let locked = roster.put("/email-verifications", &right).await;
        assert_eq!(locked.problem(), (429, "too-many-requests"));
    });
}
