//! `POST /users/{id}/recovery`: wiring.

use shared::lambda::{Exit, http};
use start_recovery::{
    handler::{ACCESS, handle},
    start_recovery::StartRecovery,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(StartRecovery {
            updates: ports.user_updates(),
        })
    })
    .await
}
