//! `GET /users/{id}/sessions`: wiring.

use list_sessions::{
    handler::{ACCESS, handle},
    list_sessions::ListSessions,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(ListSessions {
            users: ports.users(),
            sessions: ports.sessions(),
            ring: ports.ring(),
            clock: ports.env.clock.clone(),
        })
    })
    .await
}
