//! `roster token`: what a developer tries the API with.

use cli::{Token, local::RunningStack};
use reqwest::Method;

use crate::support::{Roster, on_shared_stack, unique_email};

async fn token(roster: &Roster, user: &str) -> Result<String, String> {
    let token = Token {
        user: user.to_owned(),
        running: RunningStack {
            console: roster.stack.console_url.clone(),
        },
    };
    Box::pin(token.run())
        .await
        .map_err(|error| error.to_string())
}

#[test]
fn the_token_of_a_user_opens_what_is_the_users() {
    on_shared_stack(async |roster| {
        let email = unique_email("token");
        let nobody = token(roster, &email).await;
        assert_eq!(nobody, Err(format!("no user has the address {email}")));

        let id = roster.sign_up(&email).await.body["id"].clone();
        let token = token(roster, &email).await.unwrap();
        let request = roster.request(Method::GET, "/users/me").bearer_auth(token);
        assert_eq!(roster.send(request).await.body["id"], id);
    });
}
