//! `DELETE /users/{id}/mail-suppression`.

pub mod handler;
pub mod lift_mail_suppression;
