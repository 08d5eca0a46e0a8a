//! `PUT /password-resets`: wiring.

use reset_password::{handler, reset_password::ResetPassword};
use shared::{
    domain::{FirstAdmin, PasswordPolicy},
    lambda::{Exit, http},
};

shared::lambda::config! {
    struct Config {
        /// Characters of a new password.
        minimum: usize = "MINIMUM_PASSWORD_LENGTH",
        /// Principal becomes the first administrator.
        first_admin: FirstAdmin = "FIRST_ADMIN_EMAIL",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(
        handler::ACCESS,
        handler::handle,
        async |ports, config: Config| {
            Ok(ResetPassword {
                passwords: PasswordPolicy::with_minimum(config.minimum),
                hasher: ports.password_hasher()?,
                rate_limiter: ports.rate_limiter(),
                redemption: ports.token_redemption(config.first_admin),
            })
        },
    )
    .await
}
