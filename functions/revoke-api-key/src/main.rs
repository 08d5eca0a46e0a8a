//! `DELETE /api-keys/{key}`: wiring.

use revoke_api_key::{
    handler::{ACCESS, handle},
    revoke_api_key::RevokeApiKey,
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(RevokeApiKey {
            keys: ports.api_keys(),
            env: ports.env.clone(),
        })
    })
    .await
}
