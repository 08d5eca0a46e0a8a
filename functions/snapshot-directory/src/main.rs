//! Snapshots of the directory: wiring.

use std::time::Duration;

use shared::lambda::{Exit, observer};
use snapshot_directory::{handler, snapshot_directory::SnapshotDirectory};

shared::lambda::config! {
    struct Config {
        overlap: u64 = "SNAPSHOT_OVERLAP_SECONDS",
        changes: usize = "SNAPSHOT_CHANGES",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run_raw(handler::handle, async |ports, config: Config| {
        Ok(SnapshotDirectory {
            feed: ports.feed(),
            snapshots: ports.snapshots(),
            clock: ports.env.clock.clone(),
            overlap: Duration::from_secs(config.overlap),
            changes: config.changes,
        })
    })
    .await
}
