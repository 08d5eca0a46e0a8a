//! `GET /invitations`.

pub mod handler;
pub mod list_invitations;
