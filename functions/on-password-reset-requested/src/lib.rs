//! Observes `UserPasswordResetRequested`: mails a link with which to choose another password.

pub mod on_password_reset_requested;
