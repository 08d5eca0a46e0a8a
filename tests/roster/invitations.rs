//! `POST /users` by an administrator, and `/invitations`.

use serde_json::{Value, json};

use crate::support::{
    Answer, PASSWORD, Roster, on_own_stack, on_shared_stack, token_in, unique_email,
};

const NONE: Value = Value::Null;
const SUBJECT: &str = "You are invited to Roster";

/// Somebody is invited; gives address and id.
async fn invited(roster: &Roster) -> (String, String) {
    let email = unique_email("invited");
    let body = json!({"email": email, "name": "Eve Example"});
    let created = roster.call_as_admin("POST /users", &body).await;
    assert_eq!(created.status, 201, "{:?}", created.body);
    assert_eq!(created.header("etag"), Some("\"1\""));
    let id = created.body["id"].as_str().unwrap().to_owned();
    assert_eq!(created.header("location"), Some(&*format!("/users/{id}")));
    (email, id)
}

/// The token in the newest of `count` invitations to this address.
async fn token(roster: &Roster, email: &str, count: usize) -> String {
    roster.settle().await;
    let mut mails = roster.mails(email);
    assert_eq!(mails.len(), count);
    let newest = mails.pop().unwrap();
    assert_eq!(newest.subject, SUBJECT);
    token_in(&newest, "invitation")
}

async fn accept(roster: &Roster, token: &str) -> Answer {
    let body = json!({"token": token, "newPassword": PASSWORD});
    roster.put("/email-verifications", &body).await
}

/// The ids of all open invitations.
async fn open(roster: &Roster, limit: usize) -> Vec<String> {
    let (mut path, mut ids) = (format!("/invitations?limit={limit}"), Vec::new());
    loop {
        let page = roster.get_as_admin(&path).await;
        assert_eq!(page.status, 200, "{:?}", page.body);
        let data = page.body["data"].as_array().unwrap().iter();
        ids.extend(data.map(|each| each["id"].as_str().unwrap().to_owned()));
        let Some(next) = page.body["pagination"]["next"].as_str() else {
            return ids;
        };
        next.clone_into(&mut path);
    }
}

/// So that an invitation can be sent again: in the database it was sent long ago.
async fn a_minute_later(roster: &Roster, id: &str) {
    let change = json!({
        "TableName": roster.stack.model.tables["UsersTable"].name,
        "Key": {"pk": {"S": format!("USER#{id}")}, "sk": {"S": "USER"}},
        "UpdateExpression": "SET #sentAt = :longAgo",
        "ExpressionAttributeNames": {"#sentAt": "linksSentAt"},
        "ExpressionAttributeValues": {":longAgo": {"L": [{"S": "2020-01-01T00:00:00.000000Z"}]}},
    });
    roster.database("UpdateItem", &change).await;
}

#[test]
fn who_is_invited_chooses_the_password_and_is_signed_in() {
    on_shared_stack(async |roster| {
        let (email, id) = invited(roster).await;
        assert_eq!(roster.sign_in(&email).await.status, 401);
        let token = token(roster, &email, 1).await;
        assert!(open(roster, 100).await.contains(&id));
        let weak = json!({"token": token, "newPassword": "password1"});
        let refused = roster.put("/email-verifications", &weak).await;
        assert_eq!(refused.problem(), (422, "invalid"));

        let session = accept(roster, &token).await;
        assert_eq!(session.status, 201, "{:?}", session.body);
        assert_eq!(session.header("location"), Some(&*format!("/users/{id}")));
        assert_eq!(session.body["user"]["emailVerified"], true);
        let access = session.body["accessToken"].as_str().unwrap();
        let me = roster.call("GET /users/me", access, &NONE).await;
        assert_eq!(me.body["id"], json!(id));
        assert_eq!(roster.sign_in(&email).await.status, 201);
        let again = accept(roster, &token).await;
        assert_eq!((again.status.as_u16(), again.body), (204, NONE));
        assert!(!open(roster, 100).await.contains(&id));
        for route in ["POST /invitations/{id}/send", "DELETE /invitations/{id}"] {
            let route = route.replace("{id}", &id);
            let late = roster.call_as_admin(&route, &NONE).await;
            assert_eq!(late.problem(), (404, "not-found"), "{route}");
        }
    });
}

#[test]
fn nobody_else_chooses_a_password() {
    on_shared_stack(async |roster| {
        let body = json!({"email": unique_email("told"), "name": "Eve", "password": PASSWORD});
        let refused = roster.call_as_admin("POST /users", &body).await;
        assert_eq!(refused.problem(), (422, "invalid"));
        let error = &refused.body["errors"][0];
        assert_eq!(error["pointer"], "/password");
        assert_eq!(error["code"], "not-allowed");
    });
}

/// Neither the first link nor a reset nor another link lets anybody in after that.
#[test]
fn an_invitation_sent_again_voids_the_link_of_the_first() {
    on_shared_stack(async |roster| {
        let (email, id) = invited(roster).await;
        let first = token(roster, &email, 1).await;
        let send = format!("POST /invitations/{id}/send");
        let early = roster.call_as_admin(&send, &NONE).await;
        assert_eq!(early.problem(), (429, "too-many-requests"));
        assert!(early.header("retry-after").is_some());
        a_minute_later(roster, &id).await;
        let sent = roster.call_as_admin(&send, &NONE).await;
        assert_eq!(
            (sent.status.as_u16(), sent.body),
            (202, json!({"status": "accepted"}))
        );
        let second = token(roster, &email, 2).await;
        assert_eq!(
            accept(roster, &first).await.problem(),
            (410, "token-expired")
        );
        assert_eq!(accept(roster, &second).await.status, 201);
    });
}

#[test]
fn a_withdrawn_invitation_leaves_nothing() {
    on_shared_stack(async |roster| {
        let (email, id) = invited(roster).await;
        let token = token(roster, &email, 1).await;
        let withdraw = format!("DELETE /invitations/{id}");
        assert_eq!(roster.call_as_admin(&withdraw, &NONE).await.status, 204);
        let again = roster.call_as_admin(&withdraw, &NONE).await;
        assert_eq!(again.problem(), (404, "not-found"));
        let late = accept(roster, &token).await;
        assert_eq!(late.problem(), (410, "token-expired"));
        assert!(!open(roster, 100).await.contains(&id));
        let gone = roster.get_as_admin(&format!("/users/{id}")).await;
        assert_eq!(gone.problem(), (404, "not-found"));
        assert_eq!(
            roster.sign_up(&email).await.status,
            201,
            "the address is free"
        );
    });
}

#[test]
fn a_deactivated_user_cannot_accept() {
    on_shared_stack(async |roster| {
        let (email, id) = invited(roster).await;
        let token = token(roster, &email, 1).await;
        let out = format!("POST /users/{id}/deactivate");
        assert_eq!(roster.call_as_admin(&out, &NONE).await.status, 200);
        assert_eq!(
            accept(roster, &token).await.problem(),
            (410, "token-expired")
        );
        let send = format!("POST /invitations/{id}/send");
        let refused = roster.call_as_admin(&send, &NONE).await;
        assert_eq!(refused.problem(), (409, "already-deactivated"));
        let back = format!("POST /users/{id}/reactivate");
        assert_eq!(roster.call_as_admin(&back, &NONE).await.status, 200);
        assert_eq!(
            accept(roster, &token).await.problem(),
            (410, "token-expired")
        );
    });
}

/// An invitation ends after seven days; a reset by mail does not go around that.
#[test]
fn who_was_invited_gets_in_by_the_invitation_alone() {
    on_shared_stack(async |roster| {
        let (email, id) = invited(roster).await;
        token(roster, &email, 1).await;
        for path in ["/password-resets", "/email-verifications"] {
            let asked = roster.post(path, &json!({"email": email})).await;
            assert_eq!(asked.status, 202);
        }
        roster.settle().await;
        assert_eq!(roster.mails_to(&email), 1);
        let recovery = format!("POST /users/{id}/recovery");
        let refused = roster.call_as_admin(&recovery, &NONE).await;
        assert_eq!(refused.problem(), (409, "invitation-open"));
    });
}

#[test]
fn more_invitations_than_a_page_are_all_listed() {
    on_own_stack(&[], async |roster| {
        let mut ids = Vec::new();
        for _ in 0..7 {
            ids.insert(0, invited(roster).await.1);
        }
        roster.settle().await;
        assert_eq!(open(roster, 3).await, ids);
    });
}

#[test]
fn wrong_parameters_of_the_list_are_named() {
    on_shared_stack(async |roster| {
        let refused = roster.get_as_admin("/invitations?limit=101&cursor=x").await;
        assert_eq!(refused.problem(), (422, "invalid"));
    });
}
