//! `PUT /email-verifications`: wiring.

use shared::{
    domain::{FirstAdmin, PasswordPolicy, sign_up::SignUpPolicy},
    lambda::{Exit, http},
};
use verify_email::{
    accept_invitation::AcceptInvitation,
    handler::{ACCESS, handle},
    verify_email::VerifyEmail,
};

shared::lambda::config! {
    struct Config {
        policy: SignUpPolicy = "SIGN_UP_POLICY",
        first_admin: FirstAdmin = "FIRST_ADMIN_EMAIL",
        minimum: usize = "MINIMUM_PASSWORD_LENGTH",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        let redemption = ports.token_redemption(config.first_admin);
        Ok(VerifyEmail {
            policy: config.policy,
            redemption: redemption.clone(),
            accept: AcceptInvitation {
                passwords: PasswordPolicy::with_minimum(config.minimum),
                hasher: ports.password_hasher()?,
                redemption,
                session_starter: ports.session_starter().await?,
            },
        })
    })
    .await
}
