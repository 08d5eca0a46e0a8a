//! `POST /users/{id}/reactivate`.

pub mod handler;
pub mod reactivate_user;
