//! Observes `UserCreated`: sends the welcome mail.

pub mod on_user_created;
