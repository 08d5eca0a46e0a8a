//! Observes the mail service: keeps the mail ledger true.

pub mod handler;
pub mod record_mail;
