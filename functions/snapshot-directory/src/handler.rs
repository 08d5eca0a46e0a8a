//! The schedule to the use case.

use serde_json::Value;
use shared::domain::Result;

use crate::snapshot_directory::{Outcome, SnapshotDirectory};

/// Runs on schedule.
pub async fn handle(snapshot: &SnapshotDirectory, _: Value) -> Result<()> {
    match snapshot.execute().await? {
        Outcome::NotWorthIt { changes } => tracing::info!(changes, "no snapshot is worth it"),
        Outcome::Overtaken => tracing::info!("another snapshot was faster"),
        Outcome::Written {
            generation,
            users,
            segments,
            written,
        } => {
            tracing::info!(generation, users, segments, written, "snapshot written");
        }
    }
    Ok(())
}
