//! The health of instances, on a schedule: wiring.

use check_services::check_services::CheckServices;
use shared::{
    domain::service::Networks,
    lambda::{Exit, observer},
};

shared::lambda::config! {
    struct Config {
        networks: Networks = "SERVICE_NETWORKS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run_raw(
        async |check: &CheckServices, _| check.execute().await,
        async |ports, config: Config| {
            Ok(CheckServices {
                services: ports.services(),
                instances: ports.services(),
                sender: ports.webhooks(config.networks),
                clock: ports.env.clock.clone(),
            })
        },
    )
    .await
}
