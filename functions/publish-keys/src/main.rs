//! `GET /.well-known/…`: wiring.

use publish_keys::{
    handler::{ACCESS, handle},
    publish_keys::PublishKeys,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(PublishKeys { keys: ports.keys() })
    })
    .await
}
