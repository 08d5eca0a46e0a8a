//! `DELETE /api-keys/{key}`.

pub mod handler;
pub mod revoke_api_key;
