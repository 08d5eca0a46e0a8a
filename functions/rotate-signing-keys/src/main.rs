//! The rotation of the keys that sign access tokens: wiring.

use std::time::Duration;

use rotate_signing_keys::{handler, rotate_signing_keys::RotateSigningKeys};
use shared::lambda::{Exit, observer};

shared::lambda::config! {
    struct Config {
        days: u64 = "SIGNING_KEY_DAYS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run_raw(handler::handle, async |ports, config: Config| {
        Ok(RotateSigningKeys {
            keys: ports.keys(),
            secrets: ports.keys(),
            generator: ports.key_generator(),
            random: ports.env.random.clone(),
            clock: ports.env.clock.clone(),
            caches: ports.shared_caches(),
            period: Duration::from_hours(24 * config.days),
            lag: ports.access_lag(),
        })
    })
    .await
}
