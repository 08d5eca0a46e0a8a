//! `GET /users/{id}/identities`: wiring.

use list_identities::{handler, list_identities::ListIdentities};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(handler::ACCESS, handler::handle, async |ports, ()| {
        Ok(ListIdentities {
            users: ports.users(),
        })
    })
    .await
}
