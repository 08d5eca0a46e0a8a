//! The notice to an old address: wiring.

use on_email_changed::on_email_changed::OnEmailChanged;
use shared::{
    application::mail::MailSettings,
    domain::EventKind,
    lambda::{Exit, observer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        &[EventKind::UserEmailChanged],
        OnEmailChanged::execute,
        async |ports, settings: MailSettings| {
            Ok(OnEmailChanged {
                users: ports.users(),
                mail_service: ports.mail_service(&settings),
            })
        },
    )
    .await
}
