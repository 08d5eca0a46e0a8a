//! `DELETE /users/{id}/identities/{identity}`: wiring.

use shared::lambda::{Exit, http};
use unlink_identity::{handler, unlink_identity::UnlinkIdentity};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(handler::ACCESS, handler::handle, async |ports, ()| {
        Ok(UnlinkIdentity {
            sessions: ports.sessions(),
            updates: ports.user_updates(),
        })
    })
    .await
}
