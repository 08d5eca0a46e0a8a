//! `DELETE /users/{id}/sessions`: wiring.

use end_sessions::{
    end_sessions::EndSessions,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(EndSessions {
            updates: ports.user_updates(),
        })
    })
    .await
}
