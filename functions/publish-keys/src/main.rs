//! `GET /.well-known/…`: wiring.

use publish_keys::{handler, publish_keys::PublishKeys};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(handler::ACCESS, handler::handle, async |ports, ()| {
        Ok(PublishKeys { keys: ports.keys() })
    })
    .await
}
