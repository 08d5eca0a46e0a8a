//! Invitations: wiring.

use on_user_invited::on_user_invited::OnUserInvited;
use shared::{
    application::mail::MailSettings,
    domain::EventKind,
    lambda::{Exit, observer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        &[EventKind::UserInvited],
        OnUserInvited::execute,
        async |ports, settings: MailSettings| {
            Ok(OnUserInvited {
                users: ports.users(),
                invitations: ports.invitations(),
                mail_service: ports.mail_service(&settings),
            })
        },
    )
    .await
}
