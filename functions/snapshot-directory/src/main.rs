//! Snapshots of the directory: wiring.

use std::time::Duration;

use shared::{aws::Aws, events, telemetry};
use snapshot_directory::{handler, snapshot_directory::SnapshotDirectory};

shared::config! {
    /// What the function is told.
    pub struct Config {
        /// Seconds which each snapshot reads back in the feed.
        overlap: u64 = "SNAPSHOT_OVERLAP_SECONDS",
        /// Changes for which a snapshot is worth its writes.
        changes: usize = "SNAPSHOT_CHANGES",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let snapshot = SnapshotDirectory {
        feed: aws.feed(),
        snapshots: aws.snapshots(),
        clock: aws.circumstances.clock.clone(),
        overlap: Duration::from_secs(config.overlap),
        changes: config.changes,
    };
    events::observe_raw(snapshot, async |snapshot, _, _| {
        handler::handle(snapshot).await
    })
    .await
}
