//! `PUT /email-verifications`.

pub mod handler;
pub mod verify_email;
