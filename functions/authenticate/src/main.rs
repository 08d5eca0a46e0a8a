//! `POST /sessions`: wiring.

use std::sync::Arc;

use authenticate::{authenticate::Authenticate, handler, password::PasswordStrategy};
use shared::{adapters::argon2::Argon2, aws::Aws, http, telemetry};

shared::config! {
    /// What the function is told.
    pub struct Config {
        /// Guesses at one account without waiting.
        per_account: u32 = "SIGN_IN_ATTEMPTS_PER_ACCOUNT",
        /// Wrong guesses from one place without waiting.
        per_source: u32 = "SIGN_IN_ATTEMPTS_PER_SOURCE",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let entropy = aws.circumstances.entropy.clone();
    let password = PasswordStrategy {
        users: aws.users(),
        hasher: Arc::new(Argon2::new(entropy)?),
        throttle: aws.password_throttle(config.per_account, config.per_source),
        circumstances: aws.circumstances.clone(),
    };
    let authenticate = Authenticate {
        strategies: vec![Arc::new(password)],
        sessions: aws.sessions(),
        granting: aws.granting().await?,
        circumstances: aws.circumstances.clone(),
    };
    http::serve(
        handler::ACCESS,
        aws.open_gate(),
        authenticate,
        handler::handle,
    )
    .await
}
