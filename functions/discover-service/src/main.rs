//! `GET /services/{name}/instance`: wiring.

use discover_service::{
    discover_service::DiscoverService,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(DiscoverService {
            services: ports.services(),
            instances: ports.services(),
            env: ports.env.clone(),
        })
    })
    .await
}
