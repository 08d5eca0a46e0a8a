//! `DELETE /users/{id}/identities/{identity}`.

pub mod handler;
pub mod unlink_identity;
