//! `DELETE /users/{id}/mail-suppression`: wiring.

use lift_mail_suppression::{
    handler::{ACCESS, handle},
    lift_mail_suppression::LiftMailSuppression,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(LiftMailSuppression {
            updates: ports.user_updates(),
            mailboxes: ports.mailboxes(),
        })
    })
    .await
}
