//! `POST /users`: wiring.

use std::sync::Arc;

use create_user::{create_user::CreateUser, handler};
use shared::{
    adapters::argon2::Argon2,
    aws::Aws,
    domain::{PasswordPolicy, attempt::Limit, sign_up::SignUpPolicy},
    http::{self, idempotency::Idempotency},
    telemetry,
};

shared::config! {
    /// What the function is told.
    pub struct Config {
        /// Who may create users.
        policy: SignUpPolicy = "SIGN_UP_POLICY",
        /// Characters of a new password.
        minimum: usize = "MINIMUM_PASSWORD_LENGTH",
        /// Sign-ups from one place, an hour.
        per_source: u32 = "SIGN_UPS_PER_SOURCE",
        /// Mails to one address, an hour.
        mails_per_address: u32 = "MAILS_PER_ADDRESS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let entropy = aws.circumstances.entropy.clone();
    let gate = aws.gate().await?;
    let create = CreateUser {
        policy: config.policy,
        passwords: PasswordPolicy::with_minimum(config.minimum),
        users: aws.users(),
        requests: aws.requests(),
        hasher: Arc::new(Argon2::new(entropy.clone())?),
        throttle: aws.throttle(),
        per_source: Limit::hourly(config.per_source),
        mails_per_address: Limit::hourly(config.mails_per_address),
        idempotency: Idempotency::new(aws.claims(), aws.keys(), entropy),
        circumstances: aws.circumstances.clone(),
    };
    http::serve(handler::ACCESS, gate, create, handler::handle).await
}
