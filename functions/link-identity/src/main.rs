//! `POST /users/{id}/identities`: wiring.

use link_identity::{handler, link_identity::LinkIdentity};
use shared::{
    adapters::oidc::{ClientSecrets, Providers},
    aws::Aws,
    changing::Changing,
    http, telemetry,
};

shared::config! {
    /// What the function is told.
    pub struct Config {
        /// Where people may sign in.
        providers: Providers = "IDENTITY_PROVIDERS",
        /// What proves to providers who asks.
        secrets: ClientSecrets = "IDENTITY_PROVIDER_SECRETS",
        /// Whether a provider may be on this machine.
        loopback: bool = "LOOPBACK_IDENTITY_PROVIDERS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let gate = aws.gate().await?;
    let link = LinkIdentity {
        providers: aws.identity_providers(config.providers, config.secrets, config.loopback)?,
        sessions: aws.sessions(),
        changing: Changing {
            users: aws.users(),
            circumstances: aws.circumstances.clone(),
        },
    };
    http::serve(handler::ACCESS, gate, link, handler::handle).await
}
