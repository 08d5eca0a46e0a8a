//! `DELETE /email-verifications`: wiring.

use disown_address::{
    disown_address::DisownAddress,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(DisownAddress {
            redemption: ports.token_redemption(),
        })
    })
    .await
}
