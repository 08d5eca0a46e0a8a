//! Clients that sign in by a password all the time while it is replaced.

use std::{
    env,
    sync::atomic::{AtomicBool, Ordering},
};

use futures::future::{join, join_all};
use serde_json::{Value, json};

use crate::support::{PASSWORD, Roster, on_own_stack, token_in};

const NEW_PASSWORD: &str = "seven purple kites aloft";

/// Clients at once.
const CLIENTS: usize = 10;

/// Replacements of each kind: few, since each takes dozens of hashes; `ROSTER_RACES` makes them more.
const ROUNDS: usize = 8;

fn rounds() -> usize {
    let asked = env::var("ROSTER_RACES").ok();
    asked.map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

/// Signs in by the old password until `is_replaced`; gives the refresh tokens.
async fn sign_in_again_and_again(
    roster: &Roster,
    email: &str,
    is_replaced: &AtomicBool,
) -> Vec<Value> {
    let mut tokens = Vec::new();
    while !is_replaced.load(Ordering::SeqCst) {
        let answer = roster.sign_in(email).await;
        match answer.status.as_u16() {
            201 => tokens.push(answer.body["refreshToken"].clone()),
            401 | 503 => {}
            _ => panic!("{answer:?}"),
        }
    }
    tokens
}

/// Replaces a password while clients sign in by it; none of their sessions lives. A busy machine may answer
/// 503, and a client asks again.
async fn replace(roster: &Roster, email: &str, replacement: impl AsyncFn() -> u16) {
    let is_replaced = AtomicBool::new(false);
    let clients = (0..CLIENTS).map(|_| sign_in_again_and_again(roster, email, &is_replaced));
    let replace = async {
        let mut status = replacement().await;
        while status == 503 {
            status = replacement().await;
        }
        is_replaced.store(true, Ordering::SeqCst);
        status
    };
    let (tokens, status) = join(join_all(clients), replace).await;
    assert!((200..300).contains(&status), "{status}");
    for token in tokens.concat() {
        let body = json!({"refreshToken": token});
        let refreshed = roster.post("/sessions/refresh", &body).await;
        assert_eq!(refreshed.problem(), (401, "invalid-refresh-token"));
    }
}

#[test]
fn no_session_of_an_old_password_lives() {
    let limits = [
        ("SignInsPerUser", "1000000"),
        ("SignInAttemptsPerAccount", "100"),
    ];
    on_own_stack(&limits, async |roster| {
        for _ in 0..rounds() {
            let ann = roster.newcomer("change").await;
            let body = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
            let change = async || {
                let route = "PUT /users/me/password";
                roster.call(route, &ann.token, &body).await.status.as_u16()
            };
            replace(roster, &ann.email, change).await;

            let email = roster.proven("reset").await.email;
            let wish = json!({"email": email});
            roster.post("/password-resets", &wish).await;
            let subject = "Choose a new password for Roster";
            let mail = roster.mail_about(&email, subject).await;
            let body = json!({"token": token_in(&mail, "reset"), "newPassword": NEW_PASSWORD});
            let reset = async || roster.put("/password-resets", &body).await.status.as_u16();
            replace(roster, &email, reset).await;
        }
    });
}
