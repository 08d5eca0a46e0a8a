//! `GET /identity-providers`: wiring.

use list_identity_providers::{
    handler::{ACCESS, handle},
    list_identity_providers::ListIdentityProviders,
};
use shared::lambda::{
    Exit,
    config::{ClientSecrets, Providers},
    http,
};

shared::lambda::config! {
    struct Config {
        providers: Providers = "IDENTITY_PROVIDERS",
        loopback: bool = "LOOPBACK_IDENTITY_PROVIDERS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        // What is listed here is public, and no code is exchanged.
        let no_secrets = ClientSecrets::default();
        Ok(ListIdentityProviders {
            providers: ports.identity_providers(config.providers, no_secrets, config.loopback)?,
        })
    })
    .await
}
