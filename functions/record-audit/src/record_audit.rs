//! The use case: every event stands in the audit trail.

use std::sync::Arc;

use shared::{
    domain::{DomainEvent, Error, Result, audit::AuditEntry},
    ports::{AuditLog, UserRepository},
};

/// Keeps the audit trail.
pub struct RecordAudit {
    /// Where the histories of users are kept.
    pub users: Arc<dyn UserRepository>,
    /// The trail.
    pub audit: Arc<dyn AuditLog>,
}

impl RecordAudit {
    /// Records an event, once however often and however late it comes. Of a user's version, the
    /// hash in the user's history is recorded too: from then on, the trail is witness to it.
    ///
    /// # Errors
    /// If the user's history does not hold the event: somebody else put it on the bus.
    pub async fn execute(&self, event: &DomainEvent) -> Result<()> {
        let hash = match event.user_id.zip(event.version) {
            None => None,
            Some((user, version)) => {
                let entry = self.users.history_entry(user, version).await?;
                let entry = entry.filter(|entry| entry.event == *event && entry.is_intact());
                let Some(entry) = entry else {
                    return Err(Error::internal(format!(
                        "event {} is not in its user's history",
                        event.id
                    )));
                };
                Some(entry.hash)
            }
        };
        self.audit.record(&AuditEntry::new(event, hash)).await
    }
}
