//! `POST /users/{id}/recovery`.

pub mod handler;
pub mod start_recovery;
