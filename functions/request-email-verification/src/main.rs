//! `POST /email-verifications`: wiring.

use request_email_verification::{handler, request_email_verification::RequestEmailVerification};
use shared::{aws::Aws, http, telemetry};

shared::config! {
    /// What the function is told.
    pub struct Config {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let request = RequestEmailVerification {
        requests: aws.requests(),
        circumstances: aws.circumstances.clone(),
    };
    http::serve(handler::ACCESS, aws.open_gate(), request, handler::handle).await
}
