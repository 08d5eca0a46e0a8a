//! `PUT /users/{id}/email`.

pub mod change_email;
pub mod handler;
