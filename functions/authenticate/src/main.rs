//! `POST /sessions`: wiring.

use std::sync::Arc;

use authenticate::{
    authenticate::Authenticate,
    handler::{ACCESS, handle},
    oidc::OidcStrategy,
};
use shared::{
    application::{rate_limit::SignInLimits, sign_in::Strategies},
    domain::{Audiences, sign_up::SignUpPolicy},
    lambda::{
        Exit,
        config::{Providers, SecretsPath},
        http,
    },
};

shared::lambda::config! {
    struct Config {
        audiences: Audiences = "AUDIENCES",
        policy: SignUpPolicy = "SIGN_UP_POLICY",
        sign_ups: u32 = "SIGN_UPS_PER_SOURCE",
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
            devices.warm_up().await?;
            let rate_limiter = ports.sign_in_limiter(limits);
            let password = ports.password_strategy(rate_limiter.clone(), devices.clone())?;
            let oidc = OidcStrategy {
                policy: config.policy,
                providers: ports.identity_providers(config.providers, secrets, config.loopback)?,
                rate_limiter,
                sign_ups: ports.sign_up_limiter(config.sign_ups),
                updates: ports.user_updates(),
            };
            Ok(Authenticate {
                audiences: config.audiences,
                strategies: Strategies {
                    password: Arc::new(password),
                    oidc: Arc::new(oidc),
                },
                session_starter: ports.session_starter().await?,
                devices,
            })
        },
    )
    .await
}
