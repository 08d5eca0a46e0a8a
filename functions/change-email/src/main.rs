//! `PUT /users/{id}/email`: wiring.

use change_email::{
    change_email::ChangeEmail,
    handler::{ACCESS, handle},
};
use shared::{
    domain::sign_up::SignUpPolicy,
    lambda::{Exit, http},
};

shared::lambda::config! {
    struct Config {
        per_account: u32 = "SIGN_IN_ATTEMPTS_PER_ACCOUNT",
        per_client_ip: u32 = "SIGN_IN_ATTEMPTS_PER_SOURCE",
        policy: SignUpPolicy = "SIGN_UP_POLICY",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        let hasher = ports.password_hasher()?;
        Ok(ChangeEmail {
            policy: config.policy,
            reauthentication: ports.reauthentication(
                hasher,
                config.per_account,
                config.per_client_ip,
            ),
            rate_limiter: ports.rate_limiter(),
            updates: ports.user_updates(),
        })
    })
    .await
}
