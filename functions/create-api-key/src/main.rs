//! `POST /api-keys`: wiring.

use create_api_key::{
    create_api_key::CreateApiKey,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(CreateApiKey {
            keys: ports.api_keys(),
            env: ports.env.clone(),
        })
    })
    .await
}
