//! `POST /users/{id}/deactivate`: wiring.

use deactivate_user::{deactivate_user::DeactivateUser, handler};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(handler::ACCESS, handler::handle, async |ports, ()| {
        Ok(DeactivateUser {
            updates: ports.user_updates(),
        })
    })
    .await
}
