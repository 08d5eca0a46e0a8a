//! `POST /users/{id}/identities`.

pub mod handler;
pub mod link_identity;
