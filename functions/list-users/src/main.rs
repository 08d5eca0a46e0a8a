//! `GET /users`: wiring.

use std::time::Duration;

use list_users::{handler, list_users::ListUsers};
use shared::{aws::Aws, http, telemetry};

shared::config! {
    /// What the function is told.
    pub struct Config {
        /// Seconds which each catch-up of the directory reads back.
        overlap: u64 = "DIRECTORY_OVERLAP_SECONDS",
    }
}

/// How long the start may take to load the directory: Lambda ends a start after ten seconds.
const PATIENCE: Duration = Duration::from_secs(8);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let gate = aws.gate().await?;
    let directory = aws.directory(Duration::from_secs(config.overlap));
    directory.warm_up(PATIENCE).await;
    let list = ListUsers { directory };
    http::serve(handler::ACCESS, gate, list, handler::handle).await
}
