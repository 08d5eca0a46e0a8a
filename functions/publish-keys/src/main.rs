//! `GET /.well-known/…`: wiring.

use publish_keys::{handler, publish_keys::PublishKeys};
use shared::{aws::Aws, http, telemetry};

shared::config! {
    /// What the function is told.
    pub struct Config {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let publish = PublishKeys { keys: aws.keys() };
    http::serve(handler::ACCESS, aws.open_gate(), publish, handler::handle).await
}
