//! The audit trail.

use async_trait::async_trait;
use domain::{
    Result,
    audit::{AuditEntry, AuditPage, AuditQuery},
};

/// Records and reads the audit trail.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Records a line. Idempotent.
    async fn record(&self, entry: &AuditEntry) -> Result<()>;

    /// The lines that match the query, newest first. One call reads a bounded amount: a page may hold
    /// fewer lines than the limit, even none, and still have a next one.
    async fn list(&self, query: &AuditQuery) -> Result<AuditPage>;
}
