//! `POST /api-keys`.

pub mod create_api_key;
pub mod handler;
