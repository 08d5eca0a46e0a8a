//! `PUT /users/{id}/password`: wiring.

use change_password::{change_password::ChangePassword, handler};
use shared::{
    application::reauthentication::Reauthentication,
    domain::PasswordPolicy,
    lambda::{Exit, http},
};

shared::lambda::config! {
    struct Config {
        /// Guesses at one account without waiting.
        per_account: u32 = "SIGN_IN_ATTEMPTS_PER_ACCOUNT",
        /// Wrong guesses from one place without waiting.
        per_client_ip: u32 = "SIGN_IN_ATTEMPTS_PER_SOURCE",
        /// Characters of a new password.
        minimum: usize = "MINIMUM_PASSWORD_LENGTH",
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
                hasher: hasher.clone(),
                rate_limiter: ports.sign_in_limiter(config.per_account, config.per_client_ip),
            };
            Ok(ChangePassword {
                passwords: PasswordPolicy::with_minimum(config.minimum),
                updates: ports.user_updates(),
                sessions: ports.sessions(),
                hasher,
                reauthentication,
            })
        },
    )
    .await
}
