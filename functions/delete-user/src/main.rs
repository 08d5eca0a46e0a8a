//! `DELETE /users/{id}`: wiring.

use delete_user::{
    delete_user::DeleteUser,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(DeleteUser {
            updates: ports.user_updates(),
            idempotency: ports.idempotency(),
        })
    })
    .await
}
