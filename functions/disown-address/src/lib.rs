//! `DELETE /email-verifications`.

pub mod disown_address;
pub mod handler;
