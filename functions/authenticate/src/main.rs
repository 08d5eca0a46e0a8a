//! `POST /sessions`: wiring.

use std::sync::Arc;

use authenticate::{authenticate::Authenticate, handler};
use shared::{
    adapters::argon2::Argon2, aws::Aws, http, ports::SecretPurpose, secret::SharedSecret, telemetry,
};

shared::config! {
    /// What the function is told.
    pub struct Config {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let entropy = aws.circumstances.entropy.clone();
    let tokens = aws.tokens();
    let refresh_secret = SharedSecret::new(SecretPurpose::Refresh, aws.keys(), entropy.clone());
    tokio::try_join!(tokens.warm_up_to_sign(), async {
        refresh_secret.get().await.map(|_| ())
    })?;
    let authenticate = Authenticate {
        users: aws.users(),
        sessions: aws.sessions(),
        hasher: Arc::new(Argon2::new(entropy)?),
        tokens,
        refresh_secret,
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
