//! `POST /users/{id}/identities`: wiring.

use link_identity::{
    handler::{ACCESS, handle},
    link_identity::LinkIdentity,
};
use shared::lambda::{
    Exit,
    config::{Providers, SecretsPath},
    http,
};

shared::lambda::config! {
    struct Config {
        providers: Providers = "IDENTITY_PROVIDERS",
        secrets: SecretsPath = "IDENTITY_PROVIDER_SECRETS",
        loopback: bool = "LOOPBACK_IDENTITY_PROVIDERS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        let secrets = ports
            .client_secrets(&config.providers, &config.secrets)
            .await?;
        Ok(LinkIdentity {
            providers: ports.identity_providers(config.providers, secrets, config.loopback)?,
            updates: ports.user_updates(),
        })
    })
    .await
}
