//! The rotation of the keys that sign access tokens.

pub mod handler;
pub mod rotate_signing_keys;
