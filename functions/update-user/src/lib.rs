//! `PATCH /users/{id}`.

pub mod handler;
pub mod update_user;
