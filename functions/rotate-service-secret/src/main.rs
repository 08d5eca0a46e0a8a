//! `POST /services/{name}/secret`: wiring.

use rotate_service_secret::{
    handler::{ACCESS, handle},
    rotate_service_secret::RotateServiceSecret,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(RotateServiceSecret {
            services: ports.services(),
            secrets: ports.webhook_secrets(),
            env: ports.env.clone(),
        })
    })
    .await
}
