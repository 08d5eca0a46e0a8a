//! `PUT /users/{id}/email`: wiring.

use change_email::{change_email::ChangeEmail, handler};
use shared::{
    application::reauthentication::Reauthentication,
    domain::sign_up::SignUpPolicy,
    lambda::{Exit, http},
};

shared::lambda::config! {
    struct Config {
        /// Guesses at one account without waiting.
        per_account: u32 = "SIGN_IN_ATTEMPTS_PER_ACCOUNT",
        /// Wrong guesses from one place without waiting.
        per_client_ip: u32 = "SIGN_IN_ATTEMPTS_PER_SOURCE",
        /// Whether a taken address is told.
        policy: SignUpPolicy = "SIGN_UP_POLICY",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(
        handler::ACCESS,
        handler::handle,
        async |ports, config: Config| {
            let hasher = ports.password_hasher()?;
            let reauthentication = Reauthentication {
                users: ports.users(),
                hasher,
                rate_limiter: ports.sign_in_limiter(config.per_account, config.per_client_ip),
            };
            Ok(ChangeEmail {
                policy: config.policy,
                reauthentication,
                updates: ports.user_updates(),
            })
        },
    )
    .await
}
