//! `DELETE /users/{id}/sessions`.

pub mod end_sessions;
pub mod handler;
