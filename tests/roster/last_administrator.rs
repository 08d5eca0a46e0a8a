//! One active administrator stays, whatever is tried at once.

use serde_json::{Value, json};

use crate::support::on_own_stack;

#[test]
fn of_all_administrators_who_leave_at_once_one_stays() {
    for (route, body, done) in [
        ("DELETE /users/me", Value::Null, 204),
        ("POST /users/me/deactivate", Value::Null, 200),
        ("PUT /users/me/roles", json!({"roles": []}), 200),
    ] {
        on_own_stack(&[], async |roster| {
            let mut tokens = vec![roster.admin().await];
            for _ in 0..3 {
                let person = roster.proven("leaving").await;
                let roles = json!({"roles": ["admin"]});
                let promoted = format!("PUT /users/{}/roles", person.id);
                assert_eq!(roster.call_as_admin(&promoted, &roles).await.status, 200);
                tokens.push(person.token);
            }
            let leave = async |token: &String| roster.call(route, token, &body).await;
            let answers = futures::future::join_all(tokens.iter().map(leave)).await;
            let left = answers
                .iter()
                .filter(|answer| answer.status == done)
                .count();
            let kept: Vec<_> = answers
                .iter()
                .filter(|answer| answer.status != done)
                .collect();
            assert_eq!((left, kept.len()), (3, 1), "{route}");
            assert_eq!(kept[0].problem(), (409, "last-administrator"));
        });
    }
}
