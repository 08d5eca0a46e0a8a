//! `DELETE /users/{id}/identities/{identity}`: wiring.

use shared::lambda::{Exit, http};
use unlink_identity::{
    handler::{ACCESS, handle},
    unlink_identity::UnlinkIdentity,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(UnlinkIdentity {
            sessions: ports.sessions(),
            updates: ports.user_updates(),
        })
    })
    .await
}
