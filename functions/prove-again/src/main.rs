//! `POST /sessions/current/proof`: wiring.

use std::sync::Arc;

use prove_again::{
    fresh_identity::FreshIdentity,
    handler::{ACCESS, handle},
    prove_again::ProveAgain,
};
use shared::{
    application::{rate_limit::SignInLimits, sign_in::Strategies},
    lambda::{
        Exit,
        config::{Providers, SecretsPath},
        http,
    },
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
    http::run(
        ACCESS,
        handle,
        async |ports, (config, limits): (Config, SignInLimits)| {
            let secrets = ports
                .client_secrets(&config.providers, &config.secrets)
                .await?;
            let devices = ports.devices();
            let rate_limiter = ports.sign_in_limiter(limits);
            let oidc = FreshIdentity {
                providers: ports.identity_providers(config.providers, secrets, config.loopback)?,
                rate_limiter: rate_limiter.clone(),
                users: ports.users(),
                clock: ports.env.clock.clone(),
            };
            Ok(ProveAgain {
                strategies: Strategies {
                    password: Arc::new(ports.password_strategy(rate_limiter, devices.clone())?),
                    oidc: Arc::new(oidc),
                },
                sessions: ports.sessions(),
                tokens: ports.access_tokens(),
                devices,
                ring: ports.ring(),
                clock: ports.env.clock.clone(),
            })
        },
    )
    .await
}
