//! Observes `UserRecoveryStarted`: mails a link with which to choose another password.

pub mod on_recovery_started;
