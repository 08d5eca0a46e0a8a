//! `GET /users/{id}`.

pub mod get_user;
pub mod handler;
