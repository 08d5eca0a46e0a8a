//! `PUT /password-resets`: wiring.

use reset_password::{
    handler::{ACCESS, handle},
    reset_password::ResetPassword,
};
use shared::{
    domain::{FirstAdmin, PasswordPolicy},
    lambda::{Exit, http},
};

shared::lambda::config! {
    struct Config {
        minimum: usize = "MINIMUM_PASSWORD_LENGTH",
        first_admin: FirstAdmin = "FIRST_ADMIN_EMAIL",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        Ok(ResetPassword {
            passwords: PasswordPolicy::with_minimum(config.minimum),
            hasher: ports.password_hasher()?,
            rate_limiter: ports.rate_limiter(),
            redemption: ports.token_redemption(config.first_admin),
        })
    })
    .await
}
