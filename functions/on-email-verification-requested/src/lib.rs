//! Observes `UserEmailVerificationRequested`: mails a link that proves the address.

pub mod on_email_verification_requested;
