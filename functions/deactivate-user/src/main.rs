//! `POST /users/{id}/deactivate`: wiring.

use deactivate_user::{
    deactivate_user::DeactivateUser,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(DeactivateUser {
            updates: ports.user_updates(),
        })
    })
    .await
}
