//! The outbox relay: wiring.

use publish_events::{handler, publish_events::PublishEvents};
use shared::{aws::Aws, streams, telemetry};

shared::config! {
    /// What the function is told.
    pub struct Config {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    streams::relay(PublishEvents { bus: aws.bus() }, handler::handle).await
}
