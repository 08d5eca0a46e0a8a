//! `PUT /users/{id}/email`: wiring.

use change_email::{
    change_email::ChangeEmail,
    handler::{ACCESS, handle},
};
use shared::{
    application::rate_limit::SignInLimits,
    domain::sign_up::SignUpPolicy,
    lambda::{Exit, http},
};

shared::lambda::config! {
    struct Config {
        policy: SignUpPolicy = "SIGN_UP_POLICY",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(
        ACCESS,
        handle,
        async |ports, (config, limits): (Config, SignInLimits)| {
            let hasher = ports.password_hasher()?;
            Ok(ChangeEmail {
                policy: config.policy,
                reauthentication: ports.reauthentication(hasher, limits),
                rate_limiter: ports.rate_limiter(),
                updates: ports.user_updates(),
            })
        },
    )
    .await
}
