//! `GET /audit-events`: wiring.

use list_audit_events::{handler, list_audit_events::ListAuditEvents};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(handler::ACCESS, handler::handle, async |ports, ()| {
        Ok(ListAuditEvents {
            users: ports.users(),
            sessions: ports.sessions(),
            attempts: ports.attempts(),
            audit: ports.audit(),
            clock: ports.env.clock.clone(),
        })
    })
    .await
}
