//! `PUT /users/{id}/roles`.

pub mod assign_roles;
pub mod handler;
