//! Observes `UserDeleted`: forgets what is held elsewhere.

pub mod handler;
pub mod on_user_deleted;
