//! `PATCH /users/{id}`.

use serde_json::json;

use crate::support::{on_own_stack, on_shared_stack};

#[test]
fn of_twenty_parallel_changes_of_one_version_one_wins() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("lost").await;
        let patch = async |number: usize| {
            let body = json!({"name": format!("Ann {number}")});
            let answer = roster
                .call_at("PATCH /users/me", &ann.token, &body, Some("\"1\""))
                .await;
            (number, answer)
        };
        let answers = futures::future::join_all((0..20).map(patch)).await;
        let (won, lost): (Vec<_>, Vec<_>) =
            answers.iter().partition(|(_, answer)| answer.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 19));
        for (_, answer) in lost {
            assert_eq!(answer.problem(), (412, "precondition-failed"));
        }
        let me = roster.call("GET /users/me", &ann.token, &json!(null)).await;
        assert_eq!(me.body["name"], format!("Ann {}", won[0].0));
        assert_eq!(me.header("etag"), Some("\"2\""));
    });
}

#[test]
fn without_a_version_every_parallel_change_is_made() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("each").await;
        let patch = async |number: usize| {
            let body = json!({"name": format!("Ann {number}")});
            roster.call("PATCH /users/me", &ann.token, &body).await
        };
        let answers = futures::future::join_all((0..3).map(patch)).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
        let me = roster.call("GET /users/me", &ann.token, &json!(null)).await;
        assert_eq!(me.header("etag"), Some("\"4\""));
    });
}

#[test]
fn a_name_cannot_be_removed() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("null").await;
        let request = roster
            .request(reqwest::Method::PATCH, "/users/me")
            .bearer_auth(&ann.token)
            .header("content-type", "application/merge-patch+json")
            .body(r#"{"name": null}"#);
        let answer = roster.send(request).await;
        assert_eq!(answer.problem(), (422, "invalid"));
        assert_eq!(answer.body["errors"][0]["pointer"], "/name");
    });
}

#[test]
fn users_change_their_own_accounts_so_often_an_hour() {
    on_own_stack(&[("ChangesPerUser", "10")], async |roster| {
        let ann = roster.newcomer("busy").await;
        let patch = async |number: usize, token: &str| {
            let body = json!({"name": format!("Ann {number}")});
            let route = format!("PATCH /users/{}", ann.id);
            roster.call(&route, token, &body).await
        };
        for number in 2..=10 {
            assert_eq!(patch(number, &ann.token).await.status, 200, "{number}");
        }
        let refused = patch(11, &ann.token).await;
        assert_eq!(refused.problem(), (429, "too-many-requests"));
        assert!(refused.header("retry-after").is_some());
        assert_eq!(patch(11, &roster.admin().await).await.status, 200);
        let out = "DELETE /users/me/sessions";
        let ended = roster.call(out, &ann.token, &json!(null)).await;
        assert_eq!(ended.status, 204, "who shuts a thief out does not wait");
    });
}
