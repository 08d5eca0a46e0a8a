//! `GET /identity-providers`.

pub mod handler;
pub mod list_identity_providers;
