//! `POST /password-resets`.

pub mod handler;
pub mod request_password_reset;
