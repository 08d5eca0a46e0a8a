//! `GET /.well-known/…`: wiring.

use publish_keys::{
    handler::{ACCESS, handle},
    publish_keys::PublishKeys,
};
use shared::lambda::{Exit, http};

shared::lambda::config! {
    struct Config {
        email_verified: bool = "EMAIL_VERIFIED_CLAIM",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        Ok(PublishKeys {
            keys: ports.keys(),
            email_verified: config.email_verified,
        })
    })
    .await
}
