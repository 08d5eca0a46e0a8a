//! `POST /password-resets`: wiring.

use request_password_reset::{handler, request_password_reset::RequestPasswordReset};
use shared::{aws::Aws, http, telemetry};

shared::config! {
    /// What the function is told.
    pub struct Config {
        /// Mails to one address, an hour.
        per_address: u32 = "MAILS_PER_ADDRESS",
        /// Mails asked for from one place, an hour.
        per_source: u32 = "MAIL_REQUESTS_PER_SOURCE",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let request = RequestPasswordReset {
        asking: aws.asking(config.per_address, config.per_source),
    };
    http::serve(handler::ACCESS, aws.open_gate(), request, handler::handle).await
}
