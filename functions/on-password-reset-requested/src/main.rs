//! Password resets: wiring.

use on_password_reset_requested::on_password_reset_requested::OnPasswordResetRequested;
use shared::{
    application::mail::MailSettings,
    domain::EventKind,
    lambda::{Exit, observer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        &[EventKind::UserPasswordResetRequested],
        OnPasswordResetRequested::execute,
        async |ports, settings: MailSettings| {
            Ok(OnPasswordResetRequested {
                responder: ports.request_responder(&settings),
            })
        },
    )
    .await
}
