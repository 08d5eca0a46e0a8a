//! `PUT /services/{name}/instances/{instance}`: wiring.

use register_instance::{
    handler::{ACCESS, handle},
    register_instance::RegisterInstance,
};
use shared::{
    domain::service::Networks,
    lambda::{Exit, http},
};

shared::lambda::config! {
    struct Config {
        networks: Networks = "SERVICE_NETWORKS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        Ok(RegisterInstance {
            services: ports.services(),
            instances: ports.services(),
            networks: config.networks,
            clock: ports.env.clock.clone(),
        })
    })
    .await
}
