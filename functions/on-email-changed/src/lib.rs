//! Observes `UserEmailChanged`: tells the old address.

pub mod on_email_changed;
