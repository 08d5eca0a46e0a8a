//! `GET /identity-providers`: wiring.

use list_identity_providers::{handler, list_identity_providers::ListIdentityProviders};
use shared::{
    adapters::oidc::{ClientSecrets, Providers},
    aws::Aws,
    http, telemetry,
};

shared::config! {
    /// What the function is told.
    pub struct Config {
        /// Where people may sign in.
        providers: Providers = "IDENTITY_PROVIDERS",
        /// Whether a provider may be on this machine.
        loopback: bool = "LOOPBACK_IDENTITY_PROVIDERS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    // What is listed here is public, and no code is exchanged.
    let no_secrets = ClientSecrets::default();
    let list = ListIdentityProviders {
        providers: aws.identity_providers(config.providers, no_secrets, config.loopback)?,
    };
    http::serve(handler::ACCESS, aws.open_gate(), list, handler::handle).await
}
