//! `DELETE /services/{name}/instances/{instance}`: wiring.

use deregister_instance::{
    deregister_instance::DeregisterInstance,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(DeregisterInstance {
            instances: ports.services(),
        })
    })
    .await
}
