//! `GET /users/{id}/identities`.

pub mod handler;
pub mod list_identities;
