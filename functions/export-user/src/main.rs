//! `GET /users/{id}/export`: wiring.

use export_user::{
    export_user::ExportUser,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(ExportUser {
            users: ports.users(),
            sessions: ports.sessions(),
            clock: ports.env.clock.clone(),
        })
    })
    .await
}
