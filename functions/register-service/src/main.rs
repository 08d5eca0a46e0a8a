//! `PUT /services/{name}`: wiring.

use register_service::{
    handler::{ACCESS, handle},
    register_service::RegisterService,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(RegisterService {
            services: ports.services(),
            secrets: ports.webhook_secrets(),
            env: ports.env.clone(),
        })
    })
    .await
}
