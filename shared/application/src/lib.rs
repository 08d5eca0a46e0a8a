//! Ports, and the services which use cases share.

pub mod backoff;
pub mod cache;
pub mod devices;
pub mod first_admin;
pub mod idempotency;
pub mod known_ring;
pub mod link_password;
pub mod mail;
pub mod mail_requests;
pub mod ports;
pub mod rate_limit;
pub mod reauthentication;
pub mod session_starter;
pub mod session_tokens;
pub mod shared_secret;
pub mod sign_in;
pub mod sign_up_limiter;
pub mod token_redemption;
pub mod user_updates;
pub mod webhook_secrets;
