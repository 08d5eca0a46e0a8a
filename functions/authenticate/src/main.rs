//! `POST /sessions`: wiring.

use std::sync::Arc;

use authenticate::{
    authenticate::Authenticate, handler, oidc::OidcStrategy, password::PasswordStrategy,
};
use shared::{
    domain::sign_up::SignUpPolicy,
    lambda::{
        Exit,
        config::{ClientSecrets, Providers},
        http,
    },
};

shared::lambda::config! {
    struct Config {
        /// Who may sign up, also by way of a provider.
        policy: SignUpPolicy = "SIGN_UP_POLICY",
        /// Where people may sign in instead.
        providers: Providers = "IDENTITY_PROVIDERS",
        /// What proves to providers who asks.
        secrets: ClientSecrets = "IDENTITY_PROVIDER_SECRETS",
        /// Whether a provider may be on this machine.
        loopback: bool = "LOOPBACK_IDENTITY_PROVIDERS",
        /// Guesses at one account without waiting.
        per_account: u32 = "SIGN_IN_ATTEMPTS_PER_ACCOUNT",
        /// Wrong guesses from one place without waiting.
        per_source: u32 = "SIGN_IN_ATTEMPTS_PER_SOURCE",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(
        handler::ACCESS,
        handler::handle,
        async |ports, config: Config| {
            let circumstances = ports.circumstances.clone();
            let throttle = ports.sign_in_throttle(config.per_account, config.per_source);
            let password = PasswordStrategy {
                users: ports.users(),
                hasher: ports.password_hasher()?,
                throttle: throttle.clone(),
                circumstances: circumstances.clone(),
            };
            let oidc = OidcStrategy {
                policy: config.policy,
                providers: ports.identity_providers(
                    config.providers,
                    config.secrets,
                    config.loopback,
                )?,
                throttle,
                changing: ports.user_updates(),
            };
            Ok(Authenticate {
                strategies: vec![Arc::new(password), Arc::new(oidc)],
                sessions: ports.sessions(),
                granting: ports.granting().await?,
                circumstances,
            })
        },
    )
    .await
}
