//! `POST /sessions`: wiring.

use std::sync::Arc;

use authenticate::{
    authenticate::Authenticate, handler, oidc::OidcStrategy, password::PasswordStrategy,
};
use shared::{
    adapters::{
        argon2::Argon2,
        oidc::{ClientSecrets, Providers},
    },
    aws::Aws,
    changing::Changing,
    domain::sign_up::SignUpPolicy,
    http, telemetry,
};

shared::config! {
    /// What the function is told.
    pub struct Config {
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
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let circumstances = aws.circumstances.clone();
    let throttle = aws.sign_in_throttle(config.per_account, config.per_source);
    let password = PasswordStrategy {
        users: aws.users(),
        hasher: Arc::new(Argon2::new(circumstances.entropy.clone())?),
        throttle: throttle.clone(),
        circumstances: circumstances.clone(),
    };
    let oidc = OidcStrategy {
        policy: config.policy,
        providers: aws.identity_providers(config.providers, config.secrets, config.loopback)?,
        throttle,
        changing: Changing {
            users: aws.users(),
            circumstances: circumstances.clone(),
        },
    };
    let authenticate = Authenticate {
        strategies: vec![Arc::new(password), Arc::new(oidc)],
        sessions: aws.sessions(),
        granting: aws.granting().await?,
        circumstances,
    };
    http::serve(
        handler::ACCESS,
        aws.open_gate(),
        authenticate,
        handler::handle,
    )
    .await
}
