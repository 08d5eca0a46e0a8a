//! `POST /invitations/{id}/send`: wiring.

use send_invitation::{
    handler::{ACCESS, handle},
    send_invitation::SendInvitation,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(SendInvitation {
            updates: ports.user_updates(),
        })
    })
    .await
}
