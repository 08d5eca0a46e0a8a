//! `POST /sessions/refresh`.

pub mod handler;
pub mod refresh_session;
