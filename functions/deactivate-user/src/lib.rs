//! `POST /users/{id}/deactivate`.

pub mod deactivate_user;
pub mod handler;
