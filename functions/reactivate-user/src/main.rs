//! `POST /users/{id}/reactivate`: wiring.

use reactivate_user::{
    handler::{ACCESS, handle},
    reactivate_user::ReactivateUser,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(ReactivateUser {
            updates: ports.user_updates(),
        })
    })
    .await
}
