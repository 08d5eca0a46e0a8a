//! `POST /users`: wiring.

use create_user::{create_user::CreateUser, handler};
use shared::{
    application::idempotency::Idempotency,
    domain::{PasswordPolicy, attempt::Limit, sign_up::SignUpPolicy},
    lambda::{Exit, http},
};

shared::lambda::config! {
    struct Config {
        /// Principal may create users.
        policy: SignUpPolicy = "SIGN_UP_POLICY",
        /// Characters of a new password.
        minimum: usize = "MINIMUM_PASSWORD_LENGTH",
        /// Sign-ups from one place, an hour.
        per_client_ip: u32 = "SIGN_UPS_PER_SOURCE",
        /// Mails to one address, an hour.
        mails_per_address: u32 = "MAILS_PER_ADDRESS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(
        handler::ACCESS,
        handler::handle,
        async |ports, config: Config| {
            let random = ports.env.random.clone();
            Ok(CreateUser {
                policy: config.policy,
                passwords: PasswordPolicy::with_minimum(config.minimum),
                users: ports.users(),
                requests: ports.requests(),
                hasher: ports.password_hasher()?,
                rate_limiter: ports.rate_limiter(),
                per_client_ip: Limit::hourly(config.per_client_ip),
                mails_per_address: Limit::hourly(config.mails_per_address),
                idempotency: Idempotency::new(ports.leases(), ports.keys(), random),
                env: ports.env.clone(),
            })
        },
    )
    .await
}
