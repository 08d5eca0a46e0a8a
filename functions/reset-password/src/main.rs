//! `PUT /password-resets`: wiring.

use std::sync::Arc;

use reset_password::{handler, reset_password::ResetPassword};
use shared::{
    adapters::argon2::Argon2,
    aws::Aws,
    domain::{FirstAdmin, PasswordPolicy},
    http, telemetry,
};

shared::config! {
    /// What the function is told.
    pub struct Config {
        /// Characters of a new password.
        minimum: usize = "MINIMUM_PASSWORD_LENGTH",
        /// Who becomes the first administrator.
        first_admin: FirstAdmin = "FIRST_ADMIN_EMAIL",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let reset = ResetPassword {
        passwords: PasswordPolicy::with_minimum(config.minimum),
        hasher: Arc::new(Argon2::new(aws.circumstances.entropy.clone())?),
        throttle: aws.throttle(),
        proving: aws.proving(config.first_admin),
    };
    http::serve(handler::ACCESS, aws.open_gate(), reset, handler::handle).await
}
