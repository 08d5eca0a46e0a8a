//! `DELETE /users/{id}/sessions/{sid}` and `DELETE /sessions/current`: wiring.

use end_session::{
    end_session::EndSession,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(EndSession {
            sessions: ports.sessions(),
            updates: ports.user_updates(),
        })
    })
    .await
}
