//! `POST /email-verifications`: wiring.

use request_email_verification::{
    handler::{ACCESS, handle},
    request_email_verification::RequestEmailVerification,
};
use shared::lambda::{Exit, http};

shared::lambda::config! {
    struct Config {
        per_address: u32 = "MAILS_PER_ADDRESS",
        per_client_ip: u32 = "MAIL_REQUESTS_PER_SOURCE",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        Ok(RequestEmailVerification {
            mail_requests: ports.mail_requests(config.per_address, config.per_client_ip),
        })
    })
    .await
}
