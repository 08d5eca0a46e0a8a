//! `PUT /email-verifications`.

pub mod accept_invitation;
pub mod handler;
pub mod verify_email;
