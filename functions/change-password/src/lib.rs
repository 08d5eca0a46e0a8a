//! `PUT /users/{id}/password`.

pub mod change_password;
pub mod handler;
