//! `DELETE /users/{id}/email`.

pub mod handler;
pub mod withdraw_email_change;
