//! Observes `UserDeleted`: forgets what is held elsewhere.

pub mod on_user_deleted;
