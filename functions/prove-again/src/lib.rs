//! `POST /sessions/current/proof`.

pub mod fresh_identity;
pub mod handler;
pub mod prove_again;
