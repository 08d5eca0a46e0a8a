//! `PATCH /users/{id}`: wiring.

use shared::lambda::{Exit, http};
use update_user::{
    handler::{ACCESS, handle},
    update_user::UpdateUser,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(UpdateUser {
            updates: ports.user_updates(),
        })
    })
    .await
}
