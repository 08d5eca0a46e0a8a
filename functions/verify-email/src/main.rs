//! `PUT /email-verifications`: wiring.

use shared::{
    aws::Aws,
    domain::{FirstAdmin, sign_up::SignUpPolicy},
    http, telemetry,
};
use verify_email::{handler, verify_email::VerifyEmail};

shared::config! {
    /// What the function is told.
    pub struct Config {
        /// Whether a taken address is told.
        policy: SignUpPolicy = "SIGN_UP_POLICY",
        /// Who becomes the first administrator.
        first_admin: FirstAdmin = "FIRST_ADMIN_EMAIL",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let verify = VerifyEmail {
        policy: config.policy,
        proving: aws.proving(config.first_admin),
    };
    http::serve(handler::ACCESS, aws.open_gate(), verify, handler::handle).await
}
