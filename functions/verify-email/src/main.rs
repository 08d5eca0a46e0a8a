//! `PUT /email-verifications`: wiring.

use shared::{
    domain::{FirstAdmin, sign_up::SignUpPolicy},
    lambda::{Exit, http},
};
use verify_email::{
    handler::{ACCESS, handle},
    verify_email::VerifyEmail,
};

shared::lambda::config! {
    struct Config {
        policy: SignUpPolicy = "SIGN_UP_POLICY",
        first_admin: FirstAdmin = "FIRST_ADMIN_EMAIL",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        Ok(VerifyEmail {
            policy: config.policy,
            redemption: ports.token_redemption(config.first_admin),
        })
    })
    .await
}
