//! The use case: every event stands in the audit trail.

use std::sync::Arc;

use shared::{
    application::ports::{AuditLog, UserRepository},
    domain::{DomainEvent, Error, Result, audit::AuditEntry},
};

/// Keeps the audit trail.
pub struct RecordAudit {
    /// Where the histories of users are kept.
    pub users: Arc<dyn UserRepository>,
    /// The trail.
    pub audit: Arc<dyn AuditLog>,
}

impl RecordAudit {
    /// Records an event, once however often and however late it comes, with its hash: of a user's version
    /// that in the user's history. From then on, the trail is witness to it.
    ///
    /// # Errors
    /// If the user's history does not hold the event: it did not come from the outbox.
    pub async fn execute(&self, event: &DomainEvent) -> Result<()> {
        let line = match event.user_id.zip(event.version) {
            None => AuditEntry::of_event(event),
            Some((user, version)) => {
                let entry = self.users.history_entry(user, version).await?;
                let entry = entry.filter(|entry| entry.event == *event && entry.is_intact());
                let Some(entry) = entry else {
                    return Err(Error::internal(format!(
                        "event {} is not in its user's history",
                        event.id
                    )));
                };
                AuditEntry::of_version(event, entry.hash)
            }
        };
        self.audit.record(&line).await
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{EventId, Timestamp};
    use testing::FakeBackend;

    use super::*;

    fn service(backend: &Arc<FakeBackend>) -> RecordAudit {
        RecordAudit {
            users: backend.clone(),
            audit: backend.clone(),
        }
    }

    async fn user_created(backend: &Arc<FakeBackend>) -> DomainEvent {
        backend.add_user("ann@example.com").await;
        backend.outbox()[0].clone()
    }

    #[tokio::test]
    async fn an_event_is_recorded_once_with_its_hash() {
        let backend = FakeBackend::new();
        let event = user_created(&backend).await;
        service(&backend).execute(&event).await.unwrap();
        service(&backend).execute(&event).await.unwrap();
        let trail = backend.audit();
        assert_eq!(trail.len(), 1);
        assert_eq!(
            (trail[0].event_id, trail[0].hash),
            (event.id, Some(backend.users()[0].chain))
        );
    }

    #[tokio::test]
    async fn an_event_that_did_not_happen_is_not_recorded() {
        let backend = FakeBackend::new();
        let real = user_created(&backend).await;
        let forged = DomainEvent {
            id: EventId::new(Timestamp::from_seconds(1), [9; 10]),
            ..real
        };
        assert!(service(&backend).execute(&forged).await.is_err());
        assert!(backend.audit().is_empty());
    }
    #[tokio::test]
    async fn no_fault_loses_a_line() {
        let calls = FakeBackend::survives_every_fault(
            user_created,
            async |backend, event| service(backend).execute(event).await,
            async |backend, _| backend.audit().len() == 1,
        )
        .await;
        assert_eq!(calls.len(), 2, "{calls:?}");
    }
}
