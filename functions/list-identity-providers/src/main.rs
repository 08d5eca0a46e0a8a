//! `GET /identity-providers`: wiring.

use list_identity_providers::{
    handler::{ACCESS, handle},
    list_identity_providers::ListIdentityProviders,
};
use shared::lambda::{Exit, config::Providers, http};

shared::lambda::config! {
    struct Config {
        providers: Providers = "IDENTITY_PROVIDERS",
        loopback: bool = "LOOPBACK_IDENTITY_PROVIDERS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        let providers = ports.listed_identity_providers(config.providers, config.loopback)?;
        Ok(ListIdentityProviders { providers })
    })
    .await
}
