//! `POST /sessions/refresh`: wiring.

use refresh_session::{
    handler::{ACCESS, handle},
    refresh_session::RefreshSession,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(RefreshSession {
            users: ports.users(),
            sessions: ports.sessions(),
            session_tokens: ports.session_tokens().await?,
            env: ports.env.clone(),
        })
    })
    .await
}
