//! `GET /users/{id}`: wiring.

use get_user::{get_user::GetUser, handler};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(handler::ACCESS, handler::handle, async |ports, ()| {
        Ok(GetUser {
            users: ports.users(),
        })
    })
    .await
}
