//! `POST /sessions/refresh`: wiring.

use refresh_session::{
    handler::{ACCESS, handle},
    refresh_session::RefreshSession,
};
use shared::{
    domain::{Audiences, attempt::Limit},
    lambda::{Exit, http},
};

shared::lambda::config! {
    struct Config {
        audiences: Audiences = "AUDIENCES",
        per_session: u32 = "REFRESHES_PER_SESSION",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        Ok(RefreshSession {
            audiences: config.audiences,
            users: ports.users(),
            sessions: ports.sessions(),
            session_tokens: ports.session_tokens().await?,
            devices: ports.devices(),
            per_session: Limit::hourly(config.per_session),
            env: ports.env.clone(),
        })
    })
    .await
}
