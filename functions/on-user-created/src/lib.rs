//! Observes `UserCreated`: sends the welcome mail.

pub mod handler;
pub mod on_user_created;
