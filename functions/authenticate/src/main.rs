//! `POST /sessions`: wiring.

use std::sync::Arc;

use authenticate::{
    authenticate::Authenticate,
    handler::{ACCESS, handle},
    oidc::OidcStrategy,
};
use shared::{
    application::sign_in::Strategies,
    domain::{Audiences, attempt::Limit, sign_up::SignUpPolicy},
    lambda::{
        Exit,
        config::{ClientSecrets, Providers},
        http,
    },
};

shared::lambda::config! {
    struct Config {
        audiences: Audiences = "AUDIENCES",
        policy: SignUpPolicy = "SIGN_UP_POLICY",
        providers: Providers = "IDENTITY_PROVIDERS",
        secrets: ClientSecrets = "IDENTITY_PROVIDER_SECRETS",
        loopback: bool = "LOOPBACK_IDENTITY_PROVIDERS",
        per_account: u32 = "SIGN_IN_ATTEMPTS_PER_ACCOUNT",
        per_client_ip: u32 = "SIGN_IN_ATTEMPTS_PER_SOURCE",
        per_user: u32 = "SIGN_INS_PER_USER",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        let devices = ports.devices();
        devices.warm_up().await?;
        let rate_limiter = ports.sign_in_limiter(config.per_account, config.per_client_ip);
        let password = ports.password_strategy(rate_limiter.clone(), devices.clone())?;
        let oidc = OidcStrategy {
            policy: config.policy,
            providers: ports.identity_providers(
                config.providers,
                config.secrets,
                config.loopback,
            )?,
            rate_limiter,
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
            rate_limiter: ports.rate_limiter(),
            per_user: Limit::hourly(config.per_user),
        })
    })
    .await
}
