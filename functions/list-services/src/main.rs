//! `GET /services`: wiring.

use list_services::{
    handler::{ACCESS, handle},
    list_services::ListServices,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(ListServices {
            services: ports.services(),
        })
    })
    .await
}
