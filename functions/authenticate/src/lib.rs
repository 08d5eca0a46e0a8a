//! `POST /sessions`.

pub mod authenticate;
pub mod handler;
