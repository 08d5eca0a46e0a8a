//! `POST /users`: wiring.

use create_user::{
    create_user::CreateUser,
    handler::{ACCESS, handle},
};
use shared::{
    domain::{PasswordPolicy, sign_up::SignUpPolicy},
    lambda::{Exit, http},
};

shared::lambda::config! {
    struct Config {
        policy: SignUpPolicy = "SIGN_UP_POLICY",
        minimum: usize = "MINIMUM_PASSWORD_LENGTH",
        sign_ups: u32 = "SIGN_UPS_PER_SOURCE",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        Ok(CreateUser {
            policy: config.policy,
            passwords: PasswordPolicy::with_minimum(config.minimum),
            users: ports.users(),
            requests: ports.requests(),
            hasher: ports.password_hasher()?,
            sign_ups: ports.sign_up_limiter(config.sign_ups),
            idempotency: ports.idempotency(),
            env: ports.env.clone(),
        })
    })
    .await
}
