//! `DELETE /invitations/{id}`: wiring.

use shared::lambda::{Exit, http};
use withdraw_invitation::{
    handler::{ACCESS, handle},
    withdraw_invitation::WithdrawInvitation,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(WithdrawInvitation {
            updates: ports.user_updates(),
        })
    })
    .await
}
