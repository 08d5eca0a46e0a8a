//! `PUT /email-verifications`: wiring.

use shared::{
    application::rate_limit::SignInLimits,
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
        sign_ups: u32 = "SIGN_UPS_PER_SOURCE",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(
        ACCESS,
        handle,
        async |ports, (config, limits): (Config, SignInLimits)| {
            let hasher = ports.password_hasher()?;
            let passwords = PasswordPolicy::with_minimum(config.minimum);
            let Config {
                first_admin,
                sign_ups,
                ..
            } = config;
            let link_password =
                ports.link_password(hasher.clone(), passwords, first_admin, sign_ups);
            Ok(VerifyEmail {
                policy: config.policy,
                reauthentication: ports.reauthentication(hasher, limits),
                link_password: link_password.await?,
            })
        },
    )
    .await
}
