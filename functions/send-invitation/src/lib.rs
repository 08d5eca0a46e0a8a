//! `POST /invitations/{id}/send`.

pub mod handler;
pub mod send_invitation;
