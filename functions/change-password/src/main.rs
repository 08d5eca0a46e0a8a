//! `PUT /users/{id}/password`: wiring.

use change_password::{
    change_password::ChangePassword,
    handler::{ACCESS, handle},
};
use shared::{
    application::rate_limit::SignInLimits,
    domain::PasswordPolicy,
    lambda::{Exit, http},
};

shared::lambda::config! {
    struct Config {
        minimum: usize = "MINIMUM_PASSWORD_LENGTH",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(
        ACCESS,
        handle,
        async |ports, (config, limits): (Config, SignInLimits)| {
            let hasher = ports.password_hasher()?;
            Ok(ChangePassword {
                passwords: PasswordPolicy::with_minimum(config.minimum),
                updates: ports.user_updates(),
                sessions: ports.sessions(),
                idempotency: ports.idempotency(),
                random: ports.env.random.clone(),
                hasher: hasher.clone(),
                reauthentication: ports.reauthentication(hasher, limits),
            })
        },
    )
    .await
}
