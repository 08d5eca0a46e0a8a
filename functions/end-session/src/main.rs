//! `DELETE /users/{id}/sessions[/{sid}]` and `DELETE /sessions/current`: wiring.

use end_session::{end_session::EndSession, handler};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(handler::ACCESS, handler::handle, async |ports, ()| {
        Ok(EndSession {
            sessions: ports.sessions(),
            updates: ports.user_updates(),
        })
    })
    .await
}
