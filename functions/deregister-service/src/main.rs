//! `DELETE /services/{name}`: wiring.

use deregister_service::{
    deregister_service::DeregisterService,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(DeregisterService {
            services: ports.services(),
            instances: ports.services(),
            env: ports.env.clone(),
        })
    })
    .await
}
