//! `GET /invitations`: wiring.

use list_invitations::{
    handler::{ACCESS, handle},
    list_invitations::ListInvitations,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(ListInvitations {
            users: ports.users(),
            invitations: ports.invitations(),
        })
    })
    .await
}
