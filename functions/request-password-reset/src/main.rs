//! `POST /password-resets`: wiring.

use request_password_reset::{handler, request_password_reset::RequestPasswordReset};
use shared::lambda::{Exit, http};

shared::lambda::config! {
    struct Config {
        /// Mails to one address, an hour.
        per_address: u32 = "MAILS_PER_ADDRESS",
        /// Mails asked for from one place, an hour.
        per_client_ip: u32 = "MAIL_REQUESTS_PER_SOURCE",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(
        handler::ACCESS,
        handler::handle,
        async |ports, config: Config| {
            Ok(RequestPasswordReset {
                mail_requests: ports.mail_requests(config.per_address, config.per_client_ip),
            })
        },
    )
    .await
}
