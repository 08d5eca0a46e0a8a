//! Observes `UserDeleted`: erases what other tables hold.

pub mod on_user_deleted;
