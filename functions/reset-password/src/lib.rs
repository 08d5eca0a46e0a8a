//! `PUT /password-resets`.

pub mod handler;
pub mod reset_password;
