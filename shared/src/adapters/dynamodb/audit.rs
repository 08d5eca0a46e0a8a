//! The audit trail.

use async_trait::async_trait;

use super::{Entity, Key, Table};
use crate::{
    domain::{EventId, Result, Timestamp, audit::AuditEntry},
    ports::AuditLog,
};

/// The audit trail, in the audit table.
#[derive(Debug, Clone)]
pub struct Audit {
    table: Table,
}

impl Audit {
    /// The trail in `table`.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

/// One partition for each day, so that a span of time is a few queries and old days can be
/// exported whole. `userId` and `type` are attributes of the item and `sk` sorts by time in every
/// index too: listing by user or by type takes an index `userId` / `sk` or `type` / `sk`, which
/// DynamoDB fills from what is there.
impl Entity for AuditEntry {
    type Id = (Timestamp, EventId);

    fn key((time, event): &(Timestamp, EventId)) -> Key {
        Key::new(format!("AUDIT#{}", time.day()), format!("{time}#{event}"))
    }
}

#[async_trait]
impl AuditLog for Audit {
    async fn list(
        &self,
        _: &crate::domain::audit::AuditQuery,
    ) -> Result<crate::domain::audit::AuditPage> {
        Err(crate::domain::Error::internal("to be written"))
    }

    async fn record(&self, entry: &AuditEntry) -> Result<()> {
        // A line that is there stays: a late or repeated event changes nothing.
        self.table
            .insert(&(entry.time, entry.event_id), entry)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_day_sort_by_time() {
        let at = |micros| {
            let time = Timestamp::from_micros(micros);
            AuditEntry::key(&(time, EventId::new(time, [1; 10])))
        };
        let (early, late, next_day) = (at(999_999), at(1_000_000), at(86_400_000_000));
        assert_eq!(early.pk, "AUDIT#1970-01-01");
        assert!(early.sk.starts_with("1970-01-01T00:00:00.999999Z#"));
        assert!(early.pk == late.pk && early.sk < late.sk);
        assert_eq!(next_day.pk, "AUDIT#1970-01-02");
    }
}
