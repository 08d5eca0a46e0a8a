//! `DELETE /users/{id}`.

pub mod delete_user;
pub mod handler;
