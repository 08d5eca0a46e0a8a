//! `GET /services/{name}`: wiring.

use get_service::{
    get_service::GetService,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(GetService {
            services: ports.services(),
            instances: ports.services(),
        })
    })
    .await
}
