//! `DELETE /users/{id}/sessions/{sid}` and `DELETE /sessions/current`.

pub mod end_session;
pub mod handler;
