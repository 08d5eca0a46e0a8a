//! Observes every event: keeps the audit trail.

pub mod handler;
pub mod record_audit;
