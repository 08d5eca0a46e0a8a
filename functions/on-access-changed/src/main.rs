//! Notices of what lets into an account: wiring.

use on_access_changed::on_access_changed::{KINDS, OnAccessChanged};
use shared::{
    application::mail::MailSettings,
    lambda::{Exit, observer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        KINDS,
        OnAccessChanged::execute,
        async |ports, settings: MailSettings| {
            Ok(OnAccessChanged {
                users: ports.users(),
                sessions: ports.sessions(),
                mail_service: ports.mail_service(&settings),
            })
        },
    )
    .await
}
