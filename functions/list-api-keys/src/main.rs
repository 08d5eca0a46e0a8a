//! `GET /api-keys`: wiring.

use list_api_keys::{
    handler::{ACCESS, handle},
    list_api_keys::ListApiKeys,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(ListApiKeys {
            keys: ports.api_keys(),
            ring: ports.ring(),
        })
    })
    .await
}
