//! Observes `UserEmailChanged`: tells the old address.

pub mod handler;
pub mod on_email_changed;
