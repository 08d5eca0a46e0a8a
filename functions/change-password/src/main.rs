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
        per_source: u32 = "SIGN_IN_ATTEMPTS_PER_SOURCE",
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
                throttle: ports.sign_in_throttle(config.per_account, config.per_source),
            };
            Ok(ChangePassword {
                passwords: PasswordPolicy::with_minimum(config.minimum),
                changing: ports.user_updates(),
                sessions: ports.sessions(),
                hasher,
                reauthentication,
            })
        },
    )
    .await
}
