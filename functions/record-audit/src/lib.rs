//! Observes every event: keeps the audit trail.

pub mod record_audit;
