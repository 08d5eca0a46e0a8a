//! `PUT /email-verifications`: wiring.

use shared::{
    domain::{FirstAdmin, PasswordPolicy, sign_up::SignUpPolicy},
    lambda::{Exit, http},
};
use verify_email::{
    handler::{ACCESS, handle},
    verify_email::VerifyEmail,
};

shared::lambda::config! {
    struct Config {
        policy: SignUpPolicy = "SIGN_UP_POLICY",
        minimum: usize = "MINIMUM_PASSWORD_LENGTH",
        first_admin: FirstAdmin = "FIRST_ADMIN_EMAIL",
        per_account: u32 = "SIGN_IN_ATTEMPTS_PER_ACCOUNT",
        per_client_ip: u32 = "SIGN_IN_ATTEMPTS_PER_SOURCE",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        let hasher = ports.password_hasher()?;
        let passwords = PasswordPolicy::with_minimum(config.minimum);
        let link_password = ports.link_password(hasher.clone(), passwords, config.first_admin);
        Ok(VerifyEmail {
            policy: config.policy,
            reauthentication: ports.reauthentication(
                hasher,
                config.per_account,
                config.per_client_ip,
            ),
            link_password: link_password.await?,
        })
    })
    .await
}
