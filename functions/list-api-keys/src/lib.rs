//! `GET /api-keys`.

pub mod handler;
pub mod list_api_keys;
