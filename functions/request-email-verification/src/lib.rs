//! `POST /email-verifications`.

pub mod handler;
pub mod request_email_verification;
