//! The rotation of the keys that sign access tokens: wiring.

use std::{sync::Arc, time::Duration};

use rotate_signing_keys::{handler, rotate_signing_keys::RotateSigningKeys};
use shared::{adapters::jwt::Rsa, aws::Aws, events, telemetry};

shared::config! {
    /// What the function is told.
    pub struct Config {
        /// Days for which a key signs.
        days: u64 = "SIGNING_KEY_DAYS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let rotate = RotateSigningKeys {
        keys: aws.keys(),
        generator: Arc::new(Rsa),
        clock: aws.circumstances.clock.clone(),
        period: Duration::from_hours(24 * config.days),
    };
    events::observe_raw(rotate, async |rotate, detail, _| {
        handler::handle(rotate, detail).await
    })
    .await
}
