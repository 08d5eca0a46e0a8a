//! `GET /users/{id}/identities`: wiring.

use list_identities::{
    handler::{ACCESS, handle},
    list_identities::ListIdentities,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(ListIdentities {
            users: ports.users(),
        })
    })
    .await
}
