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
        sign_ups: u32 = "SIGN_UPS_PER_SOURCE",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        let hasher = ports.password_hasher()?;
        let passwords = PasswordPolicy::with_minimum(config.minimum);
        let link_password =
            ports.link_password(hasher, passwords, config.first_admin, config.sign_ups);
        Ok(ResetPassword {
            link_password: link_password.await?,
        })
    })
    .await
}
