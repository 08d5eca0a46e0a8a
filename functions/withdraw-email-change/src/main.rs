//! `DELETE /users/{id}/email`: wiring.

use shared::lambda::{Exit, http};
use withdraw_email_change::{
    handler::{ACCESS, handle},
    withdraw_email_change::WithdrawEmailChange,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(WithdrawEmailChange {
            updates: ports.user_updates(),
        })
    })
    .await
}
