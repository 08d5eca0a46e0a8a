//! Concealed sign-up: wiring.

use on_sign_up_requested::on_sign_up_requested::OnSignUpRequested;
use shared::{
    application::mail::MailSettings,
    domain::EventKind,
    lambda::{Exit, observer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        &[EventKind::UserSignUpRequested],
        OnSignUpRequested::execute,
        async |ports, settings: MailSettings| {
            Ok(OnSignUpRequested {
                requests: ports.requests(),
                users: ports.users(),
                mail_service: ports.mail_service(&settings),
            })
        },
    )
    .await
}
