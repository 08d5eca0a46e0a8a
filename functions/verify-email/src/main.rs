//! `PUT /email-verifications`: wiring.

use shared::{
    domain::{FirstAdmin, sign_up::SignUpPolicy},
    lambda::{Exit, http},
};
use verify_email::{handler, verify_email::VerifyEmail};

shared::lambda::config! {
    struct Config {
        /// Whether a taken address is told.
        policy: SignUpPolicy = "SIGN_UP_POLICY",
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
            Ok(VerifyEmail {
                policy: config.policy,
                redemption: ports.token_redemption(config.first_admin),
            })
        },
    )
    .await
}
