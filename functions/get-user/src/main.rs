//! `GET /users/{id}`: wiring.

use get_user::{
    get_user::GetUser,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(GetUser {
            users: ports.users(),
            mailboxes: ports.mailboxes(),
        })
    })
    .await
}
