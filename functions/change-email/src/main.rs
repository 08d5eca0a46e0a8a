//! `PUT /users/{id}/email`: wiring.

use std::sync::Arc;

use change_email::{change_email::ChangeEmail, handler};
use shared::{
    adapters::argon2::Argon2, aws::Aws, changing::Changing, domain::sign_up::SignUpPolicy, http,
    reauthentication::Reauthentication, telemetry,
};

shared::config! {
    /// What the function is told.
    pub struct Config {
        /// Guesses at one account without waiting.
        per_account: u32 = "SIGN_IN_ATTEMPTS_PER_ACCOUNT",
        /// Wrong guesses from one place without waiting.
        per_source: u32 = "SIGN_IN_ATTEMPTS_PER_SOURCE",
        /// Whether a taken address is told.
        policy: SignUpPolicy = "SIGN_UP_POLICY",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let gate = aws.gate().await?;
    let hasher = Arc::new(Argon2::new(aws.circumstances.entropy.clone())?);
    let reauthentication = Reauthentication {
        users: aws.users(),
        hasher,
        throttle: aws.sign_in_throttle(config.per_account, config.per_source),
    };
    let change = ChangeEmail {
        policy: config.policy,
        reauthentication,
        changing: Changing {
            users: aws.users(),
            circumstances: aws.circumstances.clone(),
        },
    };
    http::serve(handler::ACCESS, gate, change, handler::handle).await
}
