//! `GET /audit-events`.

pub mod chain;
pub mod handler;
pub mod list_audit_events;
pub mod query;
pub mod trail;
