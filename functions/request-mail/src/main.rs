//! `POST /password-resets` and `POST /email-verifications`: wiring.

use request_mail::handler::{ACCESS, handle};
use shared::lambda::{Exit, http};

shared::lambda::config! {
    struct Config {
        per_client_ip: u32 = "MAILS_PER_ASKER",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        Ok(ports.mail_requests(config.per_client_ip))
    })
    .await
}
