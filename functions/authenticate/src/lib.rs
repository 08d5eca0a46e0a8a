//! `POST /sessions`.

pub mod authenticate;
pub mod handler;
pub mod oidc;
