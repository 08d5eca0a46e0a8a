//! The trail takes each line once.

use shared::domain::{EventKind, audit::AuditEntry};

use crate::{contract, ports::Ports};

contract!(a_line_may_come_twice);

async fn a_line_may_come_twice(ports: Ports) {
    let user = ports
        .users
        .commit(&ports.creation("ann@example.com"))
        .await
        .unwrap();
    let entry = ports
        .users
        .history_entry(user.id, user.version)
        .await
        .unwrap()
        .unwrap();
    let line = AuditEntry::new(&entry.event, Some(entry.hash));
    assert_eq!(line.kind, EventKind::UserCreated);
    for _ in 0..2 {
        ports.audit.record(&line).await.unwrap();
    }
}
