//! The audit trail: wiring.

use record_audit::record_audit::RecordAudit;
use shared::{
    domain::EventKind,
    lambda::{Exit, observer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        EventKind::ALL,
        async |observer: &RecordAudit, event, _| observer.execute(event).await,
        async |ports, ()| {
            Ok(RecordAudit {
                users: ports.users(),
                audit: ports.audit(),
            })
        },
    )
    .await
}
