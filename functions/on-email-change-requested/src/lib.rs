//! Observes `UserEmailChangeRequested`: mails a link that proves the new address.

pub mod on_email_change_requested;
