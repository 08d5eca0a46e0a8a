//! `GET /users`: wiring.

use std::time::Duration;

use list_users::handler::{self, ListUsers};
use shared::lambda::{Exit, http};

shared::lambda::config! {
    struct Config {
        /// Seconds which each catch-up of the directory reads back.
        overlap: u64 = "DIRECTORY_OVERLAP_SECONDS",
    }
}

/// How long the start may take to load the directory: Lambda ends a start after ten seconds.
const PATIENCE: Duration = Duration::from_secs(8);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(
        handler::ACCESS,
        handler::handle,
        async |ports, config: Config| {
            let directory = ports.directory(Duration::from_secs(config.overlap));
            directory.warm_up(PATIENCE).await;
            Ok(ListUsers { directory })
        },
    )
    .await
}
