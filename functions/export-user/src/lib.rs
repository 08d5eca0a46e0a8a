//! `GET /users/{id}/export`.

pub mod export_user;
pub mod handler;
