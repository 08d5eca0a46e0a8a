//! `PUT /users/{id}/password`: wiring.

use change_password::{
    change_password::ChangePassword,
    handler::{ACCESS, handle},
};
use shared::{
    domain::PasswordPolicy,
    lambda::{Exit, http},
};

shared::lambda::config! {
    struct Config {
        per_account: u32 = "SIGN_IN_ATTEMPTS_PER_ACCOUNT",
        per_client_ip: u32 = "SIGN_IN_ATTEMPTS_PER_SOURCE",
        minimum: usize = "MINIMUM_PASSWORD_LENGTH",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        let hasher = ports.password_hasher()?;
        Ok(ChangePassword {
            passwords: PasswordPolicy::with_minimum(config.minimum),
            updates: ports.user_updates(),
            sessions: ports.sessions(),
            idempotency: ports.idempotency(),
            random: ports.env.random.clone(),
            hasher: hasher.clone(),
            reauthentication: ports.reauthentication(
                hasher,
                config.per_account,
                config.per_client_ip,
            ),
        })
    })
    .await
}
