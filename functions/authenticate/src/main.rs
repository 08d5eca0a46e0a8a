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
        /// Principal may sign up, also by way of a provider.
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
        per_client_ip: u32 = "SIGN_IN_ATTEMPTS_PER_SOURCE",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(
        handler::ACCESS,
        handler::handle,
        async |ports, config: Config| {
            let env = ports.env.clone();
            let rate_limiter = ports.sign_in_limiter(config.per_account, config.per_client_ip);
            let password = PasswordStrategy {
                users: ports.users(),
                hasher: ports.password_hasher()?,
                rate_limiter: rate_limiter.clone(),
                env: env.clone(),
            };
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
                strategies: vec![Arc::new(password), Arc::new(oidc)],
                sessions: ports.sessions(),
                session_tokens: ports.session_tokens().await?,
                env,
            })
        },
    )
    .await
}
