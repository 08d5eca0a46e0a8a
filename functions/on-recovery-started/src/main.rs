//! The mail of a recovery: wiring.

use on_recovery_started::on_recovery_started::OnRecoveryStarted;
use shared::{
    application::mail::MailSettings,
    domain::EventKind,
    lambda::{Exit, observer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        &[EventKind::UserRecoveryStarted],
        OnRecoveryStarted::execute,
        async |ports, settings: MailSettings| {
            Ok(OnRecoveryStarted {
                users: ports.users(),
                mail_service: ports.mail_service(&settings),
            })
        },
    )
    .await
}
