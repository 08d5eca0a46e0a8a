//! Password resets: wiring.

use on_password_reset_requested::on_password_reset_requested::OnPasswordResetRequested;
use shared::{
    application::mail::MailSettings,
    domain::{EventKind, FirstAdmin, sign_up::SignUpPolicy},
    lambda::{Exit, observer},
};

shared::lambda::config! {
    struct Config {
        policy: SignUpPolicy = "SIGN_UP_POLICY",
        first_admin: FirstAdmin = "FIRST_ADMIN_EMAIL",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        &[EventKind::UserPasswordResetRequested],
        OnPasswordResetRequested::execute,
        async |ports, (settings, config): (MailSettings, Config)| {
            Ok(OnPasswordResetRequested {
                responder: ports.request_responder(&settings),
                policy: config.policy,
                first_admin: config.first_admin,
                invitations: ports.first_admin_invitations(),
            })
        },
    )
    .await
}
