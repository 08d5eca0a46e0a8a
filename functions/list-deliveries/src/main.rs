//! `GET /services/{name}/deliveries`: wiring.

use list_deliveries::{
    handler::{ACCESS, handle},
    list_deliveries::ListDeliveries,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(ListDeliveries {
            services: ports.services(),
            log: ports.deliveries(),
        })
    })
    .await
}
