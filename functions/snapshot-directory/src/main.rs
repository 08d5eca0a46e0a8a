//! Snapshots of the directory: wiring.

use std::time::Duration;

use shared::lambda::{Exit, observer};
use snapshot_directory::{handler, snapshot_directory::SnapshotDirectory};

shared::lambda::config! {
    struct Config {
        /// Seconds which each snapshot reads back in the feed.
        overlap: u64 = "SNAPSHOT_OVERLAP_SECONDS",
        /// Changes for which a snapshot is worth its writes.
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
