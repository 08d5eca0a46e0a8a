//! Other addresses: wiring.

use on_email_change_requested::on_email_change_requested::OnEmailChangeRequested;
use shared::{
    application::mail::MailSettings,
    domain::EventKind,
    lambda::{Exit, observer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        &[EventKind::UserEmailChangeRequested],
        OnEmailChangeRequested::execute,
        async |ports, settings: MailSettings| {
            Ok(OnEmailChangeRequested {
                users: ports.users(),
                mail_service: ports.mail_service(&settings),
            })
        },
    )
    .await
}
