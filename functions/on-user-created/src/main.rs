//! The welcome mail: wiring.

use on_user_created::on_user_created::OnUserCreated;
use shared::{
    application::mail::MailSettings,
    domain::EventKind,
    lambda::{Exit, observer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        &[EventKind::UserCreated],
        OnUserCreated::execute,
        async |ports, settings: MailSettings| {
            Ok(OnUserCreated {
                users: ports.users(),
                mail_service: ports.mail_service(&settings),
            })
        },
    )
    .await
}
