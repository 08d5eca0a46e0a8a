//! `POST /password-resets` and `POST /email-verifications`.

pub mod handler;
