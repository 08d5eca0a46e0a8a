//! Proofs of addresses: wiring.

use on_email_verification_requested::on_email_verification_requested::OnEmailVerificationRequested;
use shared::{
    application::mail::MailSettings,
    domain::EventKind,
    lambda::{Exit, observer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        &[EventKind::UserEmailVerificationRequested],
        OnEmailVerificationRequested::execute,
        async |ports, settings: MailSettings| {
            Ok(OnEmailVerificationRequested {
                responder: ports.request_responder(&settings),
            })
        },
    )
    .await
}
