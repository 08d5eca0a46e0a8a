//! `GET /users/{id}/sessions`.

pub mod handler;
pub mod list_sessions;
