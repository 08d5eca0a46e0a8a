//! `POST /sessions/refresh`, `…/sessions` of a user, `DELETE /sessions/current` and its proof.

use std::{collections::BTreeSet, sync::Mutex};

use futures::future::join_all;
use local::journal::Happening;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Roster, on_shared_stack, patiently};

fn both(answer: &Answer, status: StatusCode) -> (String, String) {
    assert_eq!(answer.status, status, "{:?}", answer.body);
    let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
    (text("accessToken"), text("refreshToken"))
}

async fn refresh(roster: &Roster, token: &str) -> Answer {
    let body = json!({"refreshToken": token});
    roster.post("/sessions/refresh", &body).await
}

async fn listed(roster: &Roster, access: &str) -> Vec<Value> {
    let answer = roster.call("GET /users/me/sessions", access, &Value::Null);
    answer.await.body["data"].as_array().unwrap().clone()
}

#[test]
fn fifty_refreshes_at_once_end_in_one_live_chain() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("refresh").await;
        let signed_in = roster.sign_in(&ann.email).await;
        let (access, token) = both(&signed_in, StatusCode::CREATED);
        let all = join_all((0..50).map(|_| refresh(roster, &token))).await;
        let successors = all.iter().map(|answer| both(answer, StatusCode::OK).1);
        let successors: BTreeSet<_> = successors.collect();
        assert_eq!(successors.len(), 1, "all got the same successor");
        let next = refresh(roster, successors.first().unwrap()).await;
        let (access_now, last) = both(&next, StatusCode::OK);
        assert_eq!(listed(roster, &access).await.len(), 2);

        // One tab is late: it gets no token, and the session goes on.
        let late = refresh(roster, &token).await;
        assert_eq!(late.problem(), (409, "refresh-superseded"));
        let last = both(&refresh(roster, &last).await, StatusCode::OK).1;
        assert_eq!(listed(roster, &access_now).await.len(), 2);

        // A minute later it is a stolen one, or its owner's after a theft.
        let user = next.body["user"]["id"].as_str().unwrap();
        age(roster, user, &listed(roster, &access_now).await).await;
        let refused = refresh(roster, &token).await;
        assert_eq!(refused.problem(), (401, "invalid-refresh-token"));
        let ended = |entry: &local::journal::Entry| match &entry.happening {
            Happening::Event { event, .. }
                if event["detail"]["data"]["reason"] == "token-reused" =>
            {
                Some(event["detail"]["data"]["sessionId"].clone())
            }
            _ => None,
        };
        let ended = patiently("the event", roster.stack.journal.wait_for(0, ended)).await;
        let dead = roster.call("GET /users/me", &access_now, &Value::Null);
        assert_eq!(dead.await.problem(), (401, "unauthenticated"));
        let left = listed(roster, &ann.token).await;
        assert!(left.iter().all(|session| session["id"] != ended));
        let refused = refresh(roster, &last).await;
        assert_eq!(refused.problem(), (401, "invalid-refresh-token"));
    });
}

/// Makes all uses of the current session lie a minute back, as if that had passed.
async fn age(roster: &Roster, user: &str, sessions: &[Value]) {
    let current = sessions.iter().find(|one| one["current"] == true).unwrap();
    let sid = current["id"].as_str().unwrap();
    let update = json!({
        "TableName": roster.stack.model.tables["SessionsTable"].name,
        "Key": {"pk": {"S": format!("USER#{user}")}, "sk": {"S": format!("SESSION#{sid}")}},
        "UpdateExpression": "SET lastUsedAt = :past REMOVE earlierUses",
        "ExpressionAttributeValues": {":past": {"S": "2026-01-01T00:00:00.000000Z"}},
    });
    roster.database("UpdateItem", &update).await;
}

/// Two tabs share one store of tokens. Each reads the newest, exchanges it and writes what it got; a
/// refusal makes it read again.
#[test]
fn two_tabs_that_refresh_at_once_stay_signed_in() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("tabs").await;
        let signed_in = roster.sign_in(&ann.email).await;
        let (_, token) = both(&signed_in, StatusCode::CREATED);
        let store = Mutex::new(token);
        let tab = async || {
            for _ in 0..10 {
                let token = store.lock().unwrap().clone();
                let answer = refresh(roster, &token).await;
                match answer.status.as_u16() {
                    200 => *store.lock().unwrap() = both(&answer, StatusCode::OK).1,
                    _ => assert_eq!(answer.problem(), (409, "refresh-superseded")),
                }
            }
        };
        tokio::join!(tab(), tab());
        let token = store.into_inner().unwrap();
        both(&refresh(roster, &token).await, StatusCode::OK);
    });
}

#[test]
fn one_signs_out_here_there_and_everywhere() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("sessions").await;
        let sign_in = async || both(&roster.sign_in(&ann.email).await, StatusCode::CREATED);
        let (phone, phone_refresh) = sign_in().await;
        let (_, tablet_refresh) = sign_in().await;
        let sessions = listed(roster, &phone).await;
        let current: Vec<_> = sessions.iter().map(|one| one["current"] == true).collect();
        assert_eq!(current, [false, true, false], "newest first");
        assert_eq!(sessions[1]["sourceAddress"], "127.0.0.1");

        let tablet = format!(
            "DELETE /users/me/sessions/{}",
            sessions[0]["id"].as_str().unwrap()
        );
        let nothing = &Value::Null;
        assert_eq!(roster.call(&tablet, &phone, nothing).await.status, 204);
        assert_eq!(roster.call(&tablet, &phone, nothing).await.status, 404);
        assert_eq!(refresh(roster, &tablet_refresh).await.status, 401);

        let out = roster
            .call("DELETE /sessions/current", &phone, nothing)
            .await;
        assert_eq!(out.status, 204);
        assert_eq!(refresh(roster, &phone_refresh).await.status, 401);
        let dead = roster.call("GET /users/me", &phone, nothing).await;
        assert_eq!(dead.problem(), (401, "unauthenticated"));
        assert_eq!(listed(roster, &ann.token).await.len(), 1);

        let bob = roster.newcomer("sessions").await;
        let all = format!("DELETE /users/{}/sessions", ann.id);
        assert_eq!(roster.call(&all, &bob.token, nothing).await.status, 403);
        assert_eq!(roster.call_as_admin(&all, nothing).await.status, 204);
        let after = roster.call("GET /users/me", &ann.token, nothing).await;
        assert_eq!(
            after.problem(),
            (401, "unauthenticated"),
            "the token died at once"
        );
    });
}

#[test]
fn guesses_at_a_proof_are_limited_for_each_session() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("guess").await;
        let body = json!({"email": ann.email, "password": "wrong"});
        let route = "POST /sessions/current/proof";
        for _ in 0..10 {
            let refused = roster.call(route, &ann.token, &body).await;
            assert_eq!(refused.problem(), (401, "invalid-credentials"));
        }
        let locked = roster.call(route, &ann.token, &body).await;
        assert_eq!(locked.problem(), (429, "too-many-requests"));
    });
}

#[test]
fn a_proof_makes_an_old_sign_in_recent_and_a_refresh_keeps_it() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("proof").await;
        let bob = roster.newcomer("proof").await;
        let (old, old_refresh) = roster.tokens_of_long_ago(&ann.email).await;
        let export = async |token: &str| {
            let answer = roster.call("GET /users/me/export", token, &Value::Null);
            answer.await.status.as_u16()
        };
        assert_eq!(export(&old).await, 401);
        let prove = async |email: &str, password: &str| {
            let body = json!({"email": email, "password": password});
            roster
                .call("POST /sessions/current/proof", &old, &body)
                .await
        };
        for (email, password) in [(&ann.email, "wrong"), (&bob.email, PASSWORD)] {
            let refused = prove(email, password).await;
            assert_eq!(refused.problem(), (401, "invalid-credentials"), "{email}");
        }
        let sessions = listed(roster, &old).await.len();
        let proven = prove(&ann.email, PASSWORD).await;
        assert_eq!(proven.status, StatusCode::OK);
        assert_eq!(
            export(proven.body["accessToken"].as_str().unwrap()).await,
            200
        );
        assert_eq!(export(&old).await, 401, "a token of before stays old");
        let (refreshed, _) = both(&refresh(roster, &old_refresh).await, StatusCode::OK);
        assert_eq!(export(&refreshed).await, 200);
        assert_eq!(listed(roster, &refreshed).await.len(), sessions);
    });
}
